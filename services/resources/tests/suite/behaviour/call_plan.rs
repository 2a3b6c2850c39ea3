use std::sync::{Arc, Mutex};

use ragdoll_model::topology::{CallPlan, FanOut};
use ragdoll_resources::testing::Bench;
use ragdoll_resources::{Attempt, Callee, fan_out};
use ragdoll_runtime::Clock;
use ragdoll_telemetry::RequestContext;
use tonic::{Code, Status};

use super::{durations_ms, scenario};

/// What a call was asked and when, in milliseconds.
#[derive(Clone, Default)]
struct Record(Arc<Mutex<Vec<(f64, Attempt)>>>);

impl Record {
    fn add(&self, clock: &Clock, attempt: Attempt) -> usize {
        let mut seen = self.0.lock().expect("not poisoned");
        seen.push((clock.now_us() as f64 / 1000.0, attempt));
        seen.len()
    }

    fn attempts(&self) -> Vec<(f64, Attempt)> {
        self.0.lock().expect("not poisoned").clone()
    }
}

fn plan(attempts: u32) -> CallPlan {
    CallPlan {
        attempts,
        backoff_ms: 100.0,
        ..CallPlan::default()
    }
}

/// Calls something that takes 5 ms and fails with `code` until attempt number `succeeds_at`.
async fn call_failing(
    clock: &Clock,
    bench: &Bench,
    context: &RequestContext,
    plan: &CallPlan,
    code: Code,
    succeeds_at: usize,
) -> (Result<usize, Code>, Record) {
    let record = Record::default();
    let callee = Callee::new(&bench.instance, "store", plan);
    let outcome = callee.call(context, |attempt| {
        let (clock, record) = (clock.clone(), record.clone());
        async move {
            let number = record.add(&clock, attempt);
            clock.sleep_us(5_000).await;
            match number < succeeds_at {
                true => Err(Status::new(code, "no")),
                false => Ok(number),
            }
        }
    });
    (outcome.await.map_err(|status| status.code()), record)
}

#[test]
fn a_call_is_tried_again_until_it_succeeds_or_its_attempts_are_used_up() {
    scenario(|clock, bench| async move {
        let context = Bench::request(1);
        let (outcome, record) =
            call_failing(&clock, &bench, &context, &plan(3), Code::Unavailable, 3).await;
        assert_eq!(outcome, Ok(3));
        let attempts = record.attempts();
        let previous: Vec<u32> = attempts.iter().map(|made| made.1.previous).collect();
        assert_eq!(previous, [0, 1, 2]);
        let backoffs_ms = durations_ms(&bench.spans(), "retry.backoff");
        assert_eq!(backoffs_ms.len(), 2);
        assert_eq!(attempts[1].0, 5.0 + backoffs_ms[0]);

        let (outcome, record) =
            call_failing(&clock, &bench, &context, &plan(3), Code::Unavailable, 9).await;
        assert_eq!(
            (outcome, record.attempts().len()),
            (Err(Code::Unavailable), 3)
        );
    });
}

#[test]
fn only_failures_that_may_pass_are_tried_again() {
    scenario(|clock, bench| async move {
        for code in (0..=16).map(Code::from).filter(|code| *code != Code::Ok) {
            let context = Bench::request(1);
            let (_, record) = call_failing(&clock, &bench, &context, &plan(2), code, 9).await;
            let retried = matches!(
                code,
                Code::Unavailable
                    | Code::DeadlineExceeded
                    | Code::ResourceExhausted
                    | Code::Aborted
            );
            assert_eq!(
                record.attempts().len(),
                1 + usize::from(retried),
                "{code:?}"
            );
        }
    });
}

#[test]
fn waits_before_retries_are_uniform_up_to_twice_a_mean_that_doubles() {
    scenario(|clock, bench| async move {
        let calls = 2000;
        let mut waits_ms = [Vec::new(), Vec::new()];
        for number in 0..calls {
            let context = Bench::request(number);
            call_failing(&clock, &bench, &context, &plan(3), Code::Unavailable, 9)
                .await
                .0
                .expect_err("fails");
            let waits = durations_ms(&bench.spans(), "retry.backoff");
            waits_ms[0].push(waits[0]);
            waits_ms[1].push(waits[1]);
        }
        for (waits, mean_ms) in waits_ms.iter().zip([100.0, 200.0]) {
            let mean = waits.iter().sum::<f64>() / calls as f64;
            // Its standard error is 1.3 %.
            assert!((mean / mean_ms - 1.0).abs() < 0.05, "{mean} for {mean_ms}");
            let largest = waits.iter().copied().fold(0.0, f64::max);
            assert!(largest > 1.95 * mean_ms && largest <= 2.0 * mean_ms);
        }
    });
}

#[test]
fn nothing_is_tried_again_past_the_deadline() {
    scenario(|clock, bench| async move {
        let mut context = Bench::request(1);
        context.deadline_us = Some(20_000);
        let plan = CallPlan {
            timeout_ms: 8.0,
            backoff_ms: 10_000.0,
            ..plan(3)
        };
        let (outcome, record) =
            call_failing(&clock, &bench, &context, &plan, Code::Unavailable, 9).await;
        assert_eq!(outcome, Err(Code::Unavailable));
        assert_eq!(clock.now_us(), 20_000);
        assert_eq!(durations_ms(&bench.spans(), "retry.backoff"), [15.0]);
        let first = Attempt {
            caller: bench.instance.random.key(),
            previous: 0,
            hedge: false,
            deadline_us: Some(8_000),
        };
        assert_eq!(record.attempts(), [(0.0, first)]);
    });
}

/// Calls something of which the first copy takes `first_ms` and the second `second_ms`, by a plan
/// that hedges after 10 ms. Negative times are of failures.
async fn hedge(clock: &Clock, bench: &Bench, first_ms: f64, second_ms: f64) -> (String, f64) {
    let start_us = clock.now_us();
    let plan = CallPlan {
        hedge_after_ms: 10.0,
        ..plan(1)
    };
    let context = Bench::request(1);
    let callee = Callee::new(&bench.instance, "store", &plan);
    let outcome = callee.call(&context, |attempt| {
        let clock = clock.clone();
        async move {
            assert_eq!(attempt.previous, 0);
            let (name, time_ms) = match attempt.hedge {
                false => ("first", first_ms),
                true => ("second", second_ms),
            };
            clock.sleep_us((time_ms.abs() * 1000.0) as u64).await;
            match time_ms < 0.0 {
                true => Err(Status::unavailable(name)),
                false => Ok(name.to_owned()),
            }
        }
    });
    let answer = match outcome.await {
        Ok(name) => name,
        Err(status) => format!("{} failed", status.message()),
    };
    (answer, (clock.now_us() - start_us) as f64 / 1000.0)
}

#[test]
fn of_a_slow_call_and_its_copy_the_first_success_counts() {
    scenario(|clock, bench| async move {
        for (first_ms, second_ms, answer, took_ms) in [
            (9.0, 1.0, "first", 9.0),
            (30.0, 5.0, "second", 15.0),
            (12.0, 5.0, "first", 12.0),
            (30.0, -5.0, "first", 30.0),
            (-12.0, 5.0, "second", 15.0),
            (-9.0, 1.0, "first failed", 9.0),
            (-30.0, -5.0, "first failed", 30.0),
            (-12.0, -50.0, "first failed", 60.0),
        ] {
            assert_eq!(
                hedge(&clock, &bench, first_ms, second_ms).await,
                (answer.to_owned(), took_ms),
                "{first_ms} ms and {second_ms} ms"
            );
        }
    });
}

/// Sleeps for each of the times; returns them as they came back and how long it took, in
/// milliseconds.
async fn sleep_all(clock: &Clock, mode: FanOut, limit: u32, times_ms: [u64; 4]) -> (Vec<u64>, u64) {
    let start_us = clock.now_us();
    let answers = fan_out(mode, limit, times_ms, |time_ms| async move {
        clock.sleep_us(time_ms * 1000).await;
        time_ms
    });
    (answers.await, (clock.now_us() - start_us) / 1000)
}

#[test]
fn parallel_calls_take_as_long_as_the_slowest_and_serial_ones_as_all() {
    scenario(|clock, _| async move {
        let times_ms = [30, 10, 20, 5];
        let all = times_ms.to_vec();
        for (mode, limit, took_ms) in [
            (FanOut::Parallel, 0, 30),
            (FanOut::Serial, 0, 65),
            (FanOut::Serial, 3, 65),
            (FanOut::Parallel, 1, 65),
            // 10, 20 and 5 one after the other, beside 30.
            (FanOut::Parallel, 2, 35),
            (FanOut::Parallel, 9, 30),
        ] {
            let found = sleep_all(&clock, mode, limit, times_ms).await;
            assert_eq!(found, (all.clone(), took_ms), "{mode:?}, limit {limit}");
        }
    });
}
