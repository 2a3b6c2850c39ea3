//! Single flight: of those who ask the same at the same time one asks, and the others share its answer.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_telemetry::names::{CALL_SHARED, SERVER_ADDRESS};
use ragdoll_telemetry::{KeyValue, RequestContext};
use tokio::sync::oneshot;
use tonic::Status;

use crate::instance::Instance;
use crate::interval::Interval;

/// Calls of one callee that are under way, by what they ask. Switched off, everybody asks.
#[derive(Debug)]
pub struct Coalescing<T> {
    instance: Arc<Instance>,
    callee: &'static str,
    is_on: bool,
    flights: Mutex<BTreeMap<String, Followers<T>>>,
}

type Followers<T> = Vec<oneshot::Sender<Result<T, Status>>>;

enum Part<'a, T> {
    Leader(Leader<'a, T>),
    Follower(oneshot::Receiver<Result<T, Status>>),
}

/// The one who asks. Dropped without an answer it sends its followers away, of whom the first then
/// asks for the others.
struct Leader<'a, T> {
    flights: &'a Mutex<BTreeMap<String, Followers<T>>>,
    /// What is asked, until its flight is over: one of the same name that begins then is another's.
    key: Option<&'a str>,
}

impl<T: Clone> Coalescing<T> {
    /// Calls of `callee`, none of which is under way.
    pub fn new(instance: &Arc<Instance>, callee: &'static str, is_on: bool) -> Self {
        Coalescing {
            instance: instance.clone(),
            callee,
            is_on,
            flights: Mutex::new(BTreeMap::new()),
        }
    }

    /// The answer to `key`: of the call that is under way, or of `work` where none is. A failure is
    /// shared too, except one of a leader whose own request ran out of time.
    pub async fn share<F>(
        &self,
        context: &RequestContext,
        key: &str,
        work: impl FnOnce() -> F,
    ) -> Result<T, Status>
    where
        F: Future<Output = Result<T, Status>>,
    {
        if !self.is_on {
            return work().await;
        }
        loop {
            match self.join(key) {
                Part::Leader(leader) => {
                    let outcome = work().await;
                    if outcome.is_ok() || !self.is_late(context) {
                        leader.land(&outcome);
                    }
                    return outcome;
                }
                Part::Follower(answer) => {
                    let callee = KeyValue::new(SERVER_ADDRESS, self.callee);
                    let waiting =
                        Interval::begin(&self.instance, context, CALL_SHARED, Some(callee));
                    let answer = answer.await;
                    drop(waiting);
                    if let Ok(outcome) = answer {
                        return outcome;
                    }
                }
            }
        }
    }

    fn join<'a>(&'a self, key: &'a str) -> Part<'a, T> {
        let mut flights = lock(&self.flights);
        if let Some(followers) = flights.get_mut(key) {
            let (answer, wait) = oneshot::channel();
            followers.push(answer);
            return Part::Follower(wait);
        }
        flights.insert(key.to_owned(), Vec::new());
        Part::Leader(Leader {
            flights: &self.flights,
            key: Some(key),
        })
    }

    fn is_late(&self, context: &RequestContext) -> bool {
        let now_us = self.instance.clock.now_us();
        context.deadline_us.is_some_and(|at_us| now_us >= at_us)
    }
}

impl<T: Clone> Leader<'_, T> {
    fn land(mut self, outcome: &Result<T, Status>) {
        for follower in self.end_flight() {
            // One that gave up meanwhile wants no answer.
            let _ = follower.send(outcome.clone());
        }
    }
}

impl<T> Leader<'_, T> {
    /// Ends the flight, if it goes on; returns who waits for it.
    fn end_flight(&mut self) -> Followers<T> {
        let followers = self
            .key
            .take()
            .and_then(|key| lock(self.flights).remove(key));
        followers.unwrap_or_default()
    }
}

impl<T> Drop for Leader<'_, T> {
    fn drop(&mut self) {
        // Dropped outside the lock: whom this wakes may ask at once.
        drop(self.end_flight());
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use ragdoll_model::Service;
    use ragdoll_runtime::{Clock, run_virtual};

    use super::*;
    use crate::testing::Bench;

    struct Stage {
        clock: Clock,
        calls: AtomicU32,
        shared: Coalescing<u32>,
    }

    impl Stage {
        fn new(clock: &Clock, bench: &Bench) -> Arc<Self> {
            Arc::new(Stage {
                clock: clock.clone(),
                calls: AtomicU32::new(0),
                shared: Coalescing::new(&bench.instance, "store", true),
            })
        }

        /// Asks at `at_ms`, for an answer that takes 10 ms and is the number of the call, and gives up
        /// after `patience_ms`. Returns it, and when it came.
        async fn ask(
            self: Arc<Self>,
            key: &str,
            at_ms: u64,
            patience_ms: u64,
        ) -> (Option<u32>, u64) {
            self.clock.sleep_until_us(at_ms * 1000).await;
            let context = Bench::request(at_ms);
            let asking = self.shared.share(&context, key, || async {
                let number = self.calls.fetch_add(1, Ordering::Relaxed);
                self.clock.sleep_us(10_000).await;
                Ok(number)
            });
            let answer = self.clock.timeout_us(patience_ms * 1000, asking).await;
            let answer = answer.ok().map(|answer| answer.expect("answers"));
            (answer, self.clock.now_us() / 1000)
        }

        fn asking(
            self: &Arc<Self>,
            key: &'static str,
            at_ms: u64,
            patience_ms: u64,
        ) -> tokio::task::JoinHandle<(Option<u32>, u64)> {
            let stage = self.clone();
            tokio::spawn(async move { stage.ask(key, at_ms, patience_ms).await })
        }
    }

    async fn all(
        asking: impl IntoIterator<Item = tokio::task::JoinHandle<(Option<u32>, u64)>>,
    ) -> Vec<(Option<u32>, u64)> {
        let mut answers = Vec::new();
        for asked in asking {
            answers.push(asked.await.expect("no panic"));
        }
        answers
    }

    #[test]
    fn who_asks_the_same_meanwhile_shares_the_answer() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::GATEWAY, 1);
            let stage = Stage::new(&clock, &bench);
            let asked = [("a", 0), ("a", 4), ("b", 5), ("a", 9), ("a", 11)];
            let answers = all(asked.map(|(key, at_ms)| stage.asking(key, at_ms, 1000))).await;
            let expected = [(0, 10), (0, 10), (1, 15), (0, 10), (2, 21)];
            assert_eq!(
                answers,
                expected.map(|(number, at_ms)| (Some(number), at_ms))
            );
            let waits = bench.spans().into_iter();
            let waits: Vec<_> = waits.filter(|(name, _)| name == CALL_SHARED).collect();
            let waited_us: u64 = waits.iter().map(|(_, us)| us).sum();
            assert_eq!((waits.len(), waited_us), (2, 7_000));
        });
    }

    #[test]
    fn a_leader_that_gives_up_leaves_the_question_to_its_first_follower() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::GATEWAY, 1);
            let stage = Stage::new(&clock, &bench);
            let asked = [(0, 6), (2, 1000), (3, 1000), (4, 3)];
            let answers =
                all(asked.map(|(at_ms, patience)| stage.asking("a", at_ms, patience))).await;
            let expected = [(None, 6), (Some(1), 16), (Some(1), 16), (None, 7)];
            assert_eq!(answers, expected);
            assert!(lock(&stage.shared.flights).is_empty());
        });
    }

    #[test]
    fn a_failure_is_shared_unless_the_leader_was_late() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::GATEWAY, 1);
            let shared = Coalescing::<u32>::new(&bench.instance, "store", true);
            for (deadline_us, calls) in [(None, 1), (Some(clock.now_us() + 20_000), 2)] {
                let made = AtomicU32::new(0);
                let ask = |deadline_us: Option<u64>| {
                    let mut context = Bench::request(1);
                    context.deadline_us = deadline_us;
                    let (shared, made, clock) = (&shared, &made, &clock);
                    async move {
                        let work = || async {
                            made.fetch_add(1, Ordering::Relaxed);
                            clock.sleep_us(20_000).await;
                            Err(Status::unavailable("no"))
                        };
                        shared.share(&context, "a", work).await
                    }
                };
                let (first, second) = futures_util::join!(ask(deadline_us), ask(None));
                assert!(first.is_err() && second.is_err());
                assert_eq!(made.into_inner(), calls);
            }
        });
    }
}
