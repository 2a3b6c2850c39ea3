//! How a downstream service is called: attempts, back-off, hedging, and several calls at once.

use std::future::Future;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use ragdoll_model::topology::{CallPlan, FanOut};
use ragdoll_runtime::random::{ms_to_us, unit};
use ragdoll_telemetry::names::RETRY_BACKOFF;
use ragdoll_telemetry::{KeyValue, RequestContext};
use tonic::{Code, Status};

use crate::instance::Instance;
use crate::interval::Interval;

/// One attempt of a call: what its request context must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Tells callers apart, so that their attempts draw differently.
    pub caller: u64,
    /// Attempts made before; a hedge does not count as one.
    pub previous: u32,
    /// Whether this is a second copy of an attempt that is slow.
    pub hedge: bool,
    /// When it ends at the latest, in microseconds of the run.
    pub deadline_us: Option<u64>,
}

impl Attempt {
    /// The caller's context as this attempt sends it.
    pub fn context(&self, caller: &RequestContext) -> RequestContext {
        let mut context = caller.attempt(self.caller, self.previous, self.hedge);
        context.deadline_us = self.deadline_us;
        context
    }
}

/// Whether a further attempt may end differently.
pub fn is_retryable(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted | Code::Aborted
    )
}

/// Mean wait before attempt number `attempt` (2 for the first retry): it doubles every time.
fn mean_backoff_ms(plan: &CallPlan, attempt: u32) -> f64 {
    plan.backoff_ms * f64::from(1u32 << (attempt - 2).min(16))
}

/// Calls by plan. The wait before a retry is uniform from 0 to twice its mean ("full jitter", AWS
/// Architecture Blog, "Exponential Backoff And Jitter", 2015). A wait that reaches the request's own
/// deadline ends there, and the last failure is the answer.
pub async fn call<T, F>(
    instance: &Arc<Instance>,
    context: &RequestContext,
    purpose: &str,
    plan: &CallPlan,
    attempt: impl Fn(Attempt) -> F,
) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    let attempts = plan.attempts.max(1);
    let mut previous = 0;
    loop {
        let outcome = hedged(instance, context, plan, previous, &attempt).await;
        let made = previous + 1;
        let Err(status) = outcome else {
            return outcome;
        };
        let deadline_passed = || {
            let now_us = instance.clock.now_us();
            context
                .deadline_us
                .is_some_and(|deadline_us| now_us >= deadline_us)
        };
        if made >= attempts || deadline_passed() || !is_retryable(status.code()) {
            return Err(status);
        }
        back_off(instance, context, purpose, plan, made + 1).await;
        if deadline_passed() {
            return Err(status);
        }
        previous = made;
    }
}

async fn back_off(
    instance: &Arc<Instance>,
    context: &RequestContext,
    purpose: &str,
    plan: &CallPlan,
    attempt: u32,
) {
    let stream = instance.random.child("backoff").child(purpose);
    let mut rng = stream.at(context.draw_key().0 ^ u64::from(attempt));
    let wait_us = ms_to_us(2.0 * mean_backoff_ms(plan, attempt) * unit(&mut rng));
    let wait_us = match context.deadline_us {
        None => wait_us,
        Some(deadline_us) => wait_us.min(deadline_us.saturating_sub(instance.clock.now_us())),
    };
    let number = KeyValue::new("retry.attempt", i64::from(attempt));
    let _waiting = Interval::begin(instance, context, RETRY_BACKOFF, Some(number));
    instance.clock.sleep_us(wait_us).await;
}

/// One attempt, with a second copy of it where the plan hedges and the first is slow. The first
/// success wins; where both fail, the first failure is the answer.
async fn hedged<T, F>(
    instance: &Arc<Instance>,
    context: &RequestContext,
    plan: &CallPlan,
    previous: u32,
    attempt: &impl Fn(Attempt) -> F,
) -> Result<T, Status>
where
    F: Future<Output = Result<T, Status>>,
{
    let clock = &instance.clock;
    let deadline_us = || {
        let own = (plan.timeout_ms > 0.0).then(|| clock.now_us() + ms_to_us(plan.timeout_ms));
        [own, context.deadline_us].into_iter().flatten().min()
    };
    let make = |previous, hedge| {
        // Boxed, since three places for an attempt would otherwise be part of every caller's state.
        Box::pin(attempt(Attempt {
            caller: instance.random.key(),
            previous,
            hedge,
            deadline_us: deadline_us(),
        }))
    };
    if plan.hedge_after_ms <= 0.0 {
        return make(previous, false).await;
    }
    let mut first = make(previous, false);
    if let Ok(outcome) = clock
        .timeout_us(ms_to_us(plan.hedge_after_ms), &mut first)
        .await
    {
        return outcome;
    }
    let mut second = make(previous, true);
    tokio::select! {
        biased;
        outcome = &mut first => match outcome {
            Ok(answer) => Ok(answer),
            Err(failure) => second.await.map_err(|_| failure),
        },
        outcome = &mut second => match outcome {
            Ok(answer) => Ok(answer),
            Err(_) => first.await,
        },
    }
}

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
