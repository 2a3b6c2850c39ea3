//! Faults that requests meet one by one, or in the resources that they pass.

use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Service, Topology};
use serde_json::{Value, json};

use super::outcome::one_after_the_other;
use super::transport::conform_where;
use super::{MS, Shown, Stage, Subject, conform, fault, small, together};

pub(crate) const SHOWN: &[Shown] = &[
    (
        latency_of_a_service_is_time_of_its_own,
        &[Subject::on_service("latency")],
    ),
    (
        latency_of_an_instance_leaves_its_siblings_alone,
        &[Subject::on_instance("latency")],
    ),
    (
        latency_of_an_edge_lies_between_its_sides,
        &[Subject::on_edge("latency")],
    ),
    (
        a_fault_that_never_comes_up_does_nothing,
        &[Subject::on_service("latency")],
    ),
    (
        contention_makes_users_wait_for_one_lock,
        &[
            Subject::on_service("lock_contention"),
            Subject::on_instance("lock_contention"),
        ],
    ),
    (
        a_process_with_less_memory_dies_of_what_it_took_before,
        &[Subject::on_service("oom"), Subject::on_instance("oom")],
    ),
    (
        fewer_servers_make_requests_wait,
        &[
            Subject::on_service("queueing"),
            Subject::on_instance("queueing"),
        ],
    ),
    (
        a_smaller_running_batch_makes_prompts_wait,
        &[Subject::on_service("queueing")],
    ),
    (
        a_throttled_processor_stops_work,
        &[
            Subject::on_service("cpu_throttling"),
            Subject::on_instance("cpu_throttling"),
        ],
    ),
];

fn delay_of(ms: f64) -> Value {
    json!({ "delay": { "fixed": { "ms": ms } } })
}

async fn once(stage: Stage) -> u16 {
    stage.asking("r-0").await.expect("no panic").0
}

#[test]
fn latency_of_a_service_is_time_of_its_own() {
    let target = Target::service(Service::METADATA);
    let faults = [fault("latency", target, delay_of(40.0))];
    conform(&small(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let server = outcome.the_served("metadata-0");
        outcome.assert_took("the look-up", server.length_us(), 40 * MS);
        let witness = &outcome.witnesses[0];
        assert_eq!((witness.firings, witness.injected_us), (1, 40 * MS));
        assert_eq!(witness.touched[0].request_id, "r-0");
        assert_eq!(witness.touched[0].trace_id, server.trace);
        outcome.assert_whole();
    });
}

#[test]
fn latency_of_an_instance_leaves_its_siblings_alone() {
    let faults = [fault(
        "latency",
        Target::instance("shard-1-0"),
        delay_of(150.0),
    )];
    conform(&small(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let (slow, quick) = (
            outcome.the_served("shard-1-0"),
            outcome.the_served("shard-0-0"),
        );
        outcome.assert_took("the search", slow.length_us(), 150 * MS);
        assert!(quick.end_us < slow.end_us, "{quick:#?} {slow:#?}");
        assert_eq!(outcome.witnesses[0].firings, 1);
        outcome.assert_whole();
    });
}

#[test]
fn latency_of_an_edge_lies_between_its_sides() {
    for (to, name) in [(Service::METADATA, "metadata"), (Service::LLM, "llm")] {
        let faults = [fault(
            "latency",
            Target::edge(Service::GATEWAY, to),
            delay_of(40.0),
        )];
        conform(&small(), &faults, once, |outcome| {
            assert_eq!(outcome.answer, 200);
            let call = outcome.calls(name)[0];
            let server = outcome.server_of(call).expect("it was served");
            let there_us = server.start_us - call.start_us;
            outcome.assert_took("the way there", there_us, 40 * MS);
            assert_eq!(outcome.witnesses[0].injected_us, 40 * MS);
            outcome.assert_whole();
        });
    }
}

#[test]
fn a_fault_that_never_comes_up_does_nothing() {
    let mut never = fault(
        "latency",
        Target::service(Service::METADATA),
        delay_of(60_000.0),
    );
    never.spec.probability = 0.0;
    let always = fault(
        "latency",
        Target::service(Service::METADATA),
        delay_of(10.0),
    );
    // A run in which nothing fires proves nothing, so that another fault fires beside it.
    let fires = |number| number == 1;
    conform_where(&small(), &[never, always], &fires, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let fired: Vec<_> = outcome
            .witnesses
            .iter()
            .map(|one| (one.opportunities, one.firings))
            .collect();
        assert_eq!(fired, [(1, 0), (1, 1)]);
        let server = outcome.the_served("metadata-0");
        outcome.assert_took("the look-up", server.length_us(), 10 * MS);
        outcome.assert_whole();
    });
}

#[test]
fn contention_makes_users_wait_for_one_lock() {
    for target in [
        Target::service(Service::METADATA),
        Target::instance("metadata-0"),
    ] {
        let hold = json!({ "hold": { "fixed": { "ms": 70.0 } }, "scope": "global" });
        conform(
            &small(),
            &[fault("lock_contention", target, hold)],
            async |stage: Stage| together(&stage, 3).await,
            |outcome| {
                assert!(outcome.answer.iter().all(|(status, _)| *status == 200));
                let holds = outcome.spans("metadata-0", "lock.hold");
                assert_eq!(holds.len(), 3);
                assert!(one_after_the_other(&holds), "{holds:#?}");
                for hold in holds {
                    outcome.assert_took("a hold", hold.length_us(), 70 * MS);
                }
                assert_eq!(outcome.waits("metadata-0", "lock.wait").len(), 2);
                assert_eq!(outcome.witnesses[0].requests_touched, 3);
                outcome.assert_whole();
            },
        );
    }
}

#[test]
fn a_process_with_less_memory_dies_of_what_it_took_before() {
    for target in [
        Target::service(Service::RERANKER),
        Target::instance("reranker-0"),
    ] {
        let less = json!({ "budget_bytes": 1, "reclaim_ms": 20.0, "restart_ms": 50.0 });
        conform(
            &small(),
            &[fault("oom", target, less)],
            async |stage: Stage| {
                let (status, body) = stage.asking("r-0").await.expect("no panic");
                stage
                    .until(|seen| seen.logs_of("process started").next().is_some())
                    .await;
                (status, body["error"]["message"].clone())
            },
            |outcome| {
                assert_eq!(outcome.answer, (503, json!("connection reset")));
                let log = outcome.log_of("reranker-0");
                let expected = [
                    "memory low, reclaiming",
                    "OutOfMemory: process killed",
                    "process started",
                ];
                assert_eq!(log, expected);
                let killed = outcome.seen.logs_of("OutOfMemory: process killed").next();
                assert_eq!(killed.expect("just seen")["memory_limit_bytes"], 1);
                let call = outcome.calls("reranker")[0];
                assert_eq!(call.error(), "UNAVAILABLE");
                outcome.assert_took("reclaiming", call.length_us(), 20 * MS);
                assert!(
                    outcome.served("reranker-0").is_empty(),
                    "its spans are lost"
                );
                assert_eq!(outcome.seen.left_open, 0);
            },
        );
    }
}

#[test]
fn fewer_servers_make_requests_wait() {
    let mut topology = small();
    topology.reranker.workers = 4;
    topology.reranker.service_time = Dist::fixed(35.0);
    for target in [
        Target::service(Service::RERANKER),
        Target::instance("reranker-0"),
    ] {
        let fewer = json!({ "servers": 1, "service_time_factor": 2.0, "queue_bound": 1 });
        conform(
            &topology,
            &[fault("queueing", target, fewer)],
            async |stage: Stage| together(&stage, 3).await,
            |outcome| {
                let failed = outcome.answer.iter().filter(|(status, _)| *status == 503);
                assert_eq!(failed.count(), 1, "{:#?}", outcome.answer);
                let waits = outcome.waits("reranker-0", "queue.wait");
                assert_eq!(waits.len(), 1, "{waits:#?}");
                let served = outcome.served("reranker-0");
                let (full, done): (Vec<_>, Vec<_>) = served
                    .into_iter()
                    .partition(|span| span.error() == "RESOURCE_EXHAUSTED");
                assert_eq!((full.len(), done.len()), (1, 2));
                for served in done {
                    assert!(served.length_us() >= 70 * MS, "{served:#?}");
                }
                outcome.assert_whole();
            },
        );
    }
}

#[test]
fn a_smaller_running_batch_makes_prompts_wait() {
    let mut topology = small();
    topology.llm.decode_base_ms = 10.0;
    let fewer = json!({ "servers": 1, "overflow": "wait" });
    conform(
        &topology,
        &[fault("queueing", Target::service(Service::LLM), fewer)],
        async |stage: Stage| together(&stage, 2).await,
        |outcome| {
            assert!(outcome.answer.iter().all(|(status, _)| *status == 200));
            let waits = outcome.waits_over(40 * MS, "llm-0", "queue.wait");
            assert_eq!(waits.len(), 1, "{waits:#?}");
            let decodes = outcome.spans("llm-0", "gen_ai.decode");
            assert!(one_after_the_other(&decodes), "{decodes:#?}");
            outcome.assert_whole();
        },
    );
}

fn busy_reranker() -> Topology {
    let mut topology = small();
    topology.reranker.service_time = Dist::fixed(25.0);
    topology
}

#[test]
fn a_throttled_processor_stops_work() {
    for target in [
        Target::service(Service::RERANKER),
        Target::instance("reranker-0"),
    ] {
        let faults = [fault("cpu_throttling", target, json!({ "quota_ms": 10.0 }))];
        conform(&busy_reranker(), &faults, once, |outcome| {
            assert_eq!(outcome.answer, 200);
            let stops = outcome.waits("reranker-0", "cpu.throttled");
            assert!(!stops.is_empty());
            // What 25 ms need of three periods of 100 ms, with 10 ms in each.
            let served = outcome.the_served("reranker-0");
            assert!(served.length_us() >= 115 * MS, "{served:#?}");
            if outcome.is_exact() {
                assert_eq!(served.length_us(), 205 * MS);
            }
            outcome.assert_whole();
        });
    }
}
