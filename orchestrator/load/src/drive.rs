//! Sends the requests of a schedule.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ragdoll_model::RequestId;
use ragdoll_runtime::Clock;
use thiserror::Error;
use tokio::task::{JoinError, JoinSet};

use crate::limits::MAX_REQUESTS;
use crate::queries::{QueryPlan, QuerySource};
use crate::recording::Recorded;
use crate::schedule::Schedule;

/// A request to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// When it is due, in microseconds of the run. Latency counts from here.
    pub intended_us: u64,
    /// Number of the phase, from 0, in which it is due.
    pub phase: usize,
    /// What it asks.
    pub plan: QueryPlan,
}

/// The run reached the largest number of requests before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "more than {limit} requests: nothing was sent after that; shorten the phases, lower the rates, \
     or let the users of the closed loop think longer"
)]
pub struct TooManyRequests {
    /// How many requests a run may have.
    pub limit: u64,
}

/// Sends all requests of the schedule, and returns how many those were when the last of them is
/// done. Requests are numbered from 0 in the order in which they are due.
///
/// In the open loop a request is sent when it is due, whatever became of those before it: a system
/// that stalls is asked all the same, and its delay counts. In the closed loop a user joins when the
/// phase starts, thinks first, and leaves when the phase ends; a request in progress is finished.
///
/// Runs within tokio. A panic in `send` is passed on. To drop the future ends all requests.
pub async fn drive<S, F>(
    clock: Clock,
    schedule: Arc<Schedule>,
    queries: Arc<QuerySource>,
    send: S,
) -> Result<u64, TooManyRequests>
where
    S: Fn(Ask) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    drive_at_most(MAX_REQUESTS, clock, schedule, queries, send).await
}

async fn drive_at_most<S, F>(
    limit: u64,
    clock: Clock,
    schedule: Arc<Schedule>,
    queries: Arc<QuerySource>,
    send: S,
) -> Result<u64, TooManyRequests>
where
    S: Fn(Ask) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let asks = Asks {
        queries,
        schedule: schedule.clone(),
        issued: Arc::default(),
        limit,
    };
    let mut tasks = JoinSet::new();
    for user in 0..schedule.users() {
        let user = ClosedLoopUser {
            user,
            clock: clock.clone(),
            schedule: schedule.clone(),
            asks: asks.clone(),
        };
        tasks.spawn(user.run(send.clone()));
    }
    for arrival in schedule.arrivals() {
        clock.sleep_until_us(arrival.at_us).await;
        while let Some(finished) = tasks.try_join_next() {
            pass_on_panic(finished);
        }
        match asks.next(arrival.at_us, arrival.phase, arrival.recorded) {
            Some(ask) => tasks.spawn(send(ask)),
            None => break,
        };
    }
    while let Some(finished) = tasks.join_next().await {
        pass_on_panic(finished);
    }
    asks.issued()
}

fn pass_on_panic(finished: Result<(), JoinError>) {
    if let Err(error) = finished
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

/// Numbers and plans the requests of a run as they become due.
#[derive(Clone)]
struct Asks {
    queries: Arc<QuerySource>,
    schedule: Arc<Schedule>,
    issued: Arc<AtomicU64>,
    limit: u64,
}

impl Asks {
    /// The next request; none once the limit is reached.
    fn next(&self, intended_us: u64, phase: usize, recorded: Option<&Recorded>) -> Option<Ask> {
        let request = self.issued.fetch_add(1, Ordering::Relaxed);
        (request < self.limit).then(|| {
            let mut plan = self.queries.plan(RequestId(request), recorded);
            self.schedule.change(intended_us, &mut plan);
            Ask {
                intended_us,
                phase,
                plan,
            }
        })
    }

    fn issued(&self) -> Result<u64, TooManyRequests> {
        let issued = self.issued.load(Ordering::Relaxed);
        if issued > self.limit {
            return Err(TooManyRequests { limit: self.limit });
        }
        Ok(issued)
    }
}

struct ClosedLoopUser {
    user: u32,
    clock: Clock,
    schedule: Arc<Schedule>,
    asks: Asks,
}

impl ClosedLoopUser {
    async fn run<S, F>(self, send: S)
    where
        S: Fn(Ask) -> F,
        F: Future<Output = ()>,
    {
        let thinking = self.schedule.think_stream(self.user);
        let mut thoughts = 0..;
        for stay in self.schedule.stays(self.user) {
            self.clock.sleep_until_us(stay[0].start_us).await;
            loop {
                let now_us = self.clock.now_us();
                let Some(phase) = stay.iter().find(|phase| now_us < phase.end_us) else {
                    break;
                };
                let iteration = thoughts.next().expect("2^64 iterations are never reached");
                let think_us = phase.closed_loop.think_us(thinking, iteration);
                let due_us = now_us.saturating_add(think_us);
                let Some(phase) = stay.iter().find(|phase| due_us < phase.end_us) else {
                    break;
                };
                self.clock.sleep_until_us(due_us).await;
                let Some(mut ask) = self.asks.next(due_us, phase.phase, None) else {
                    return;
                };
                ask.plan.user = self.user % self.asks.queries.users();
                let answer = send(ask);
                answer.await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ragdoll_model::{Arrivals, Workload};
    use ragdoll_runtime::{Streams, run_virtual};

    use super::*;
    use crate::phase::PhaseLoad;

    #[test]
    fn a_closed_loop_that_takes_no_time_ends_at_the_limit_with_an_error() {
        let streams = Streams::new(1);
        let phase = PhaseLoad {
            name: "spin".to_owned(),
            start_us: 0,
            end_us: 1_000_000,
            arrivals: Arrivals {
                users: Some(3),
                ..Arrivals::default()
            },
        };
        let schedule = Schedule::new(streams.stream("load"), &[phase], Path::new(""))
            .expect("the schedule is valid");
        let queries = QuerySource::new(streams.stream("queries"), &Workload::default(), 4);
        let sent = Arc::new(AtomicU64::new(0));
        let count = sent.clone();
        let send = move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(())
        };
        let result =
            run_virtual(|clock| drive_at_most(1_000, clock, schedule.into(), queries.into(), send));
        assert_eq!(sent.load(Ordering::Relaxed), 1_000);
        assert_eq!(result, Err(TooManyRequests { limit: 1_000 }));
    }
}
