use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ragdoll_model::Dist;
use ragdoll_model::mitigation::{Bulkhead, CircuitBreaker, Shedding};
use ragdoll_model::topology::CallPlan;
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Callee, InFlight, ResourceError, Workers};
use ragdoll_runtime::random::exponential;
use ragdoll_runtime::{Clock, Streams};
use tonic::{Code, Status};

use super::{durations_ms, scenario};

/// Calls something that takes 5 ms and always fails so; returns the code, and how often it was reached.
async fn call_failing(clock: &Clock, callee: &Callee, number: u64) -> (Code, u32) {
    let reached = AtomicU32::new(0);
    let context = Bench::request(number);
    let outcome = callee.call(&context, |_| async {
        reached.fetch_add(1, Ordering::Relaxed);
        clock.sleep_us(5_000).await;
        Err::<(), _>(Status::unavailable("no"))
    });
    let code = outcome.await.expect_err("fails").code();
    (code, reached.into_inner())
}

#[test]
fn a_retry_budget_lets_a_share_of_the_calls_be_tried_again() {
    scenario(|clock, bench| async move {
        let plan = CallPlan {
            attempts: 4,
            backoff_ms: 0.0,
            retry_budget: 0.25,
            ..CallPlan::default()
        };
        let callee = Callee::new(&bench.instance, "store", &plan);
        let mut reached = 0;
        for number in 0..400 {
            let (code, attempts) = call_failing(&clock, &callee, number).await;
            assert_eq!(code, Code::Unavailable);
            reached += attempts;
        }
        assert_eq!(reached, 400 + 100);
    });
}

#[test]
fn an_open_circuit_breaker_refuses_at_once_and_is_not_asked_again() {
    scenario(|clock, bench| async move {
        let _logs = bench.collect_logs();
        let plan = CallPlan {
            attempts: 3,
            backoff_ms: 0.0,
            circuit_breaker: CircuitBreaker {
                failure_rate: 0.5,
                window: 10,
                minimum_calls: 6,
                open_ms: 100.0,
                probes: 1,
            },
            ..CallPlan::default()
        };
        let callee = Callee::new(&bench.instance, "store", &plan);
        for number in 0..2 {
            let failed = call_failing(&clock, &callee, number).await;
            assert_eq!(failed, (Code::Unavailable, 3));
        }
        let opened_us = clock.now_us();
        let refused = call_failing(&clock, &callee, 2).await;
        assert_eq!(refused, (Code::Unavailable, 0));
        assert_eq!(clock.now_us(), opened_us);

        clock.sleep_until_us(opened_us + 100_000).await;
        let context = Bench::request(3);
        let answer = callee.call(&context, |_| async { Ok(7) }).await;
        assert_eq!(answer.expect("is let through"), 7);
        let lines = bench.log_lines();
        for (line, state) in lines.iter().zip(["opened", "half open", "closed"]) {
            assert!(line.contains(&format!("circuit breaker {state}")), "{line}");
        }
        assert_eq!(lines.len(), 3);
    });
}

/// Starts calls that take 10 ms, one a millisecond; returns when each ended and whether it was
/// answered.
async fn through_bulkhead(clock: &Clock, bench: &Bench, bulkhead: Bulkhead) -> Vec<(u64, bool)> {
    let plan = CallPlan {
        attempts: 3,
        bulkhead,
        ..CallPlan::default()
    };
    let callee = Arc::new(Callee::new(&bench.instance, "store", &plan));
    let calls = (0..4).map(|number| {
        let (clock, callee) = (clock.clone(), callee.clone());
        tokio::spawn(async move {
            clock.sleep_us(number * 1_000).await;
            let context = Bench::request(number);
            let answer = callee.call(&context, |_| async {
                clock.sleep_us(10_000).await;
                Ok(())
            });
            let code = answer.await.map_err(|status| status.code());
            assert!(matches!(code, Ok(()) | Err(Code::ResourceExhausted)));
            (clock.now_us() / 1_000, code.is_ok())
        })
    });
    let mut ended = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        ended.push(call.await.expect("no panic"));
    }
    ended
}

#[test]
fn a_bulkhead_bounds_calls_at_once_and_how_long_the_others_wait() {
    scenario(|clock, bench| async move {
        let bulkhead = Bulkhead {
            max_concurrent: 2,
            max_wait_ms: 0.0,
        };
        let ended = through_bulkhead(&clock, &bench, bulkhead).await;
        assert_eq!(ended, [(10, true), (11, true), (2, false), (3, false)]);
    });
    scenario(|clock, bench| async move {
        let bulkhead = Bulkhead {
            max_concurrent: 1,
            max_wait_ms: 16.5,
        };
        let ended = through_bulkhead(&clock, &bench, bulkhead).await;
        assert_eq!(ended, [(10, true), (20, true), (18, false), (19, false)]);
        let waits = durations_ms(&bench.spans(), "pool.acquire");
        assert_eq!(waits, [9.0, 16.5, 16.5]);
    });
}

#[test]
fn a_hedge_budget_bounds_the_second_copies() {
    scenario(|clock, bench| async move {
        let plan = CallPlan {
            hedge_after_ms: 1.0,
            hedge_budget: 0.1,
            ..CallPlan::default()
        };
        let callee = Callee::new(&bench.instance, "store", &plan);
        let hedges = AtomicU32::new(0);
        for number in 0..200 {
            let context = Bench::request(number);
            let answer = callee.call(&context, |attempt| {
                hedges.fetch_add(u32::from(attempt.hedge), Ordering::Relaxed);
                async {
                    clock.sleep_us(5_000).await;
                    Ok(())
                }
            });
            answer.await.expect("answers");
        }
        assert_eq!(hedges.into_inner(), 20);
    });
}

/// Poisson arrivals at one server with exponential service times, of which those are refused that
/// have waited for `patience_ms` (M/M/1+D). Returns the share that is refused.
async fn refused_share(clock: &Clock, bench: &Bench, utilization: f64, patience_ms: f64) -> f64 {
    const REQUESTS: u64 = 100_000;
    let shedding = Shedding {
        shed_after_ms: patience_ms,
        ..Shedding::default()
    };
    let workers = Workers::with_shedding(&bench.instance, 1, u32::MAX, shedding);
    let refused = Arc::new(AtomicU32::new(0));
    let mut gaps = Streams::new(5).stream("arrivals").rng();
    for number in 0..REQUESTS {
        clock
            .sleep_us(exponential(10_000.0 / utilization, &mut gaps) as u64)
            .await;
        let (workers, refused) = (workers.clone(), refused.clone());
        tokio::spawn(async move {
            let service_time = Dist::Exponential { mean_ms: 10.0 };
            match workers.serve(&Bench::request(number), &service_time).await {
                Ok(()) => {}
                Err(error) => {
                    let limit_ms = patience_ms as u64;
                    assert_eq!(error, ResourceError::WaitedTooLong { limit_ms });
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        if number % 1_000 == 0 {
            bench.discard();
        }
    }
    clock.sleep_us(10_000_000).await;
    f64::from(refused.load(Ordering::Relaxed)) / REQUESTS as f64
}

/// The virtual wait of M/M/1+D has the density λ p e^(-(μ-λ)x) below the patience d, and falls with
/// e^(-μx) past it; p is the probability of an idle server.
#[test]
fn shedding_by_the_wait_refuses_the_share_that_theory_says() {
    scenario(|clock, bench| async move {
        for (utilization, patience) in [(0.8, 3.0), (1.0, 2.0), (1.5, 5.0)] {
            let spare: f64 = 1.0 - utilization;
            let past = utilization * (-spare * patience).exp();
            let below = match spare == 0.0 {
                true => patience,
                false => utilization * (1.0 - (-spare * patience).exp()) / spare,
            };
            let expected = past / (1.0 + below + past);
            let found = refused_share(&clock, &bench, utilization, 10.0 * patience).await;
            assert!(
                (found / expected - 1.0).abs() < 0.05,
                "{found} for {expected}"
            );
        }
    });
}

/// Three requests at one server that takes 10 ms, all at 0. Returns when each ended, and how.
async fn three_at_once(
    clock: &Clock,
    bench: &Bench,
    shedding: Shedding,
) -> Vec<(u64, Option<Code>)> {
    let workers = Workers::with_shedding(&bench.instance, 1, 100, shedding);
    let served = (0..3).map(|number| {
        let (clock, workers) = (clock.clone(), workers.clone());
        tokio::spawn(async move {
            let mut context = Bench::request(number);
            context.deadline_us = Some(15_000);
            let served = workers.serve(&context, &Dist::fixed(10.0)).await;
            let code = served.err().map(|error| error.code());
            (clock.now_us() / 1_000, code)
        })
    });
    let mut ended = Vec::new();
    for request in served.collect::<Vec<_>>() {
        ended.push(request.await.expect("no panic"));
    }
    ended
}

#[test]
fn what_is_past_its_deadline_is_worked_on_unless_it_is_dropped() {
    for (drop_expired, last) in [
        (false, (30, None)),
        (true, (20, Some(Code::DeadlineExceeded))),
    ] {
        scenario(|clock, bench| async move {
            let shedding = Shedding {
                drop_expired,
                ..Shedding::default()
            };
            let ended = three_at_once(&clock, &bench, shedding).await;
            assert_eq!(ended, [(10, None), (20, None), last]);
        });
    }
}

#[test]
fn a_limit_on_what_is_in_flight_refuses_at_arrival() {
    scenario(|clock, bench| async move {
        let shedding = Shedding {
            max_in_flight: 2,
            ..Shedding::default()
        };
        let ended = three_at_once(&clock, &bench, shedding).await;
        let refused = (0, Some(Code::ResourceExhausted));
        assert_eq!(ended, [(10, None), (20, None), refused]);

        let in_flight = InFlight::new(&bench.instance, 1);
        let first = in_flight.enter().await.expect("there is room");
        assert!(in_flight.enter().await.is_err());
        drop(first);
        assert!(in_flight.enter().await.is_ok());
    });
}
