//! Several calls for one answer.

use std::future::Future;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use ragdoll_model::topology::FanOut;

async fn numbered<F: Future>(number: usize, call: F) -> (usize, F::Output) {
    (number, call.await)
}

/// Makes one call for each item, at once or one after the other, `limit` at the same time at most (0
/// for no limit). Answers are in the order of the items.
pub async fn fan_out<I, T, F>(
    mode: FanOut,
    limit: u32,
    items: impl IntoIterator<Item = I>,
    call: impl Fn(I) -> F,
) -> Vec<T>
where
    F: Future<Output = T>,
{
    let calls = items.into_iter().map(call);
    match (mode, limit) {
        (FanOut::Parallel, 0) => join_all(calls).await,
        (FanOut::Parallel, limit) => {
            // Unordered, since a slow call must not hold the place of those that came after it and
            // are done.
            let mut waiting = calls.enumerate();
            let mut running = FuturesUnordered::new();
            for (number, call) in waiting.by_ref().take(limit as usize) {
                running.push(numbered(number, call));
            }
            let mut answers = Vec::new();
            while let Some(answer) = running.next().await {
                answers.push(answer);
                if let Some((number, call)) = waiting.next() {
                    running.push(numbered(number, call));
                }
            }
            answers.sort_unstable_by_key(|(number, _)| *number);
            answers.into_iter().map(|(_, answer)| answer).collect()
        }
        (FanOut::Serial, _) => {
            let mut answers = Vec::new();
            for call in calls {
                answers.push(call.await);
            }
            answers
        }
    }
}
