//! Faults act in the order in which they are declared.

use std::sync::Arc;

use bytes::Bytes;
use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::Match;
use ragdoll_model::Dist;
use ragdoll_runtime::{Overrides, run_virtual};
use ragdoll_telemetry::RequestContext;
use serde_json::json;

use super::bench::*;

/// One request to a server with these faults: its answer, whether it came there, and what each fault
/// counted.
fn one_request(faults: Vec<Planned>) -> (Answered, bool, Vec<(u64, u64)>) {
    let injector = injector(faults);
    let (answered, reached) = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        async move {
            let answered = bench.ask(request(&context(0))).await;
            (answered, !bench.reached().is_empty())
        }
    });
    (answered, reached, opportunities_and_firings(&injector))
}

#[test]
fn a_refusal_comes_after_the_delays_before_it_and_ends_the_asking() {
    let (answered, reached, counts) =
        one_request(vec![delay(5.0), refuse(502, 2.0), refuse(500, 1.0)]);
    assert_eq!((answered.status, answered.took_us), (502, 7_000));
    assert!(!reached);
    assert_eq!(counts, [(1, 1), (1, 1), (0, 0)]);

    let (answered, reached, counts) = one_request(vec![refuse(502, 2.0), delay(5.0)]);
    assert_eq!((answered.status, answered.took_us), (502, 2_000));
    assert!(!reached);
    assert_eq!(counts, [(1, 1), (0, 0)]);
}

#[test]
fn a_refusal_that_does_not_come_up_does_not_end_the_asking() {
    let never = changed(refuse(502, 2.0), |spec| spec.probability = 0.0);
    let others = changed(refuse(502, 2.0), |spec| {
        spec.only = Some(Match {
            user: Some("user-2".to_owned()),
            ..Match::default()
        });
    });
    let (answered, reached, counts) = one_request(vec![never, others, delay(1.0), delay(4.0)]);
    assert_eq!((answered.status, answered.took_us), (200, 5_000));
    assert!(reached);
    assert_eq!(counts, [(1, 0), (0, 0), (1, 1), (1, 1)]);
}

#[test]
fn of_each_parameter_the_last_declared_wins_and_the_others_stay() {
    let hold = |ms: f64| {
        let params = json!({ "hold": { "fixed": { "ms": ms } } });
        planned("lock_contention", on_shards(), params)
    };
    let memory = planned(
        "oom",
        on_shards(),
        json!({ "bytes_per_input_byte": 7.0, "reclaim_ms": 3.0 }),
    );
    let met = |faults: Vec<Planned>| {
        let injector = injector(faults);
        run_virtual(|clock| {
            let bench = Bench::at_server(&injector, &clock);
            let earlier = Overrides {
                lock_hold: Some(Dist::fixed(1.0)),
                queue_bound: Some(9),
                ..Overrides::default()
            };
            let context = RequestContext {
                overrides: Some(Arc::new(earlier)),
                ..context(0)
            };
            async move {
                bench.ask(request(&context)).await;
                let met = bench.reached()[0].clone().expect("changed parameters");
                let memory = met.memory_bytes_per_input_byte;
                (met.lock_hold, memory, met.queue_bound)
            }
        })
    };
    let expected = |ms| (Some(Dist::fixed(ms)), Some(7.0), Some(9));
    assert_eq!(
        met(vec![hold(10.0), memory.clone(), hold(20.0)]),
        expected(20.0)
    );
    assert_eq!(met(vec![hold(20.0), memory, hold(10.0)]), expected(10.0));
}

#[test]
fn an_answer_is_spoilt_by_one_fault_after_the_other() {
    let half = || planned("truncated_body", on_edge(), json!({ "keep": 0.5 }));
    let stall = || planned("stream_stall", on_edge(), json!({ "stall_ms": 30.0 }));
    let garbled: Bytes = ANSWER[..5].iter().map(|byte| byte ^ 0xa5).collect();
    let garble = || planned("malformed_response", on_edge(), json!({}));
    let answer = |faults: Vec<Planned>| {
        let injector = injector(faults);
        run_virtual(|clock| {
            let bench = Bench::on_edge(&injector, &clock, &vector_db(), &shard());
            async move { bench.ask(on_wire(&context(0))).await }
        })
    };
    let expected = |body: &[u8], head_us: u64| Answered {
        status: 200,
        head_us,
        took_us: 30_000,
        body: Some(Bytes::copy_from_slice(body)),
    };
    // Five of ten bytes, and two of these five.
    assert_eq!(
        answer(vec![half(), half(), stall()]),
        expected(&ANSWER[..2], 0)
    );
    assert_eq!(
        answer(vec![half(), garble(), stall()]),
        expected(&garbled, 0)
    );
    // Who cuts off the end of an answer has to wait for it.
    assert_eq!(
        answer(vec![stall(), half()]),
        expected(&ANSWER[..5], 30_000)
    );
}
