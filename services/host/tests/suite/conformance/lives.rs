//! What becomes of a process in the course of its life: it dies again and again, it warms up, it leaks
//! until there is nothing left, its clock is wrong, and it says that it is not ready.

use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Service};
use serde_json::json;

use super::{MS, SECOND, Shown, Stage, Subject, conform, fault, lasting, small, together};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_process_is_killed_again_after_each_start,
        &[Subject::on_instance("crash_loop")],
    ),
    (
        a_process_that_has_just_been_started_is_slow,
        &[Subject::on_service("cold_start")],
    ),
    (
        requests_leave_memory_behind,
        &[Subject::on_service("memory_leak")],
    ),
    (
        a_process_without_descriptors_accepts_nobody,
        &[
            Subject::on_service("descriptor_leak"),
            Subject::Resource("descriptors"),
        ],
    ),
    (
        a_wrong_clock_moves_times_and_keeps_durations,
        &[Subject::on_instance("clock_skew")],
    ),
    (
        an_instance_that_says_it_is_not_ready_is_not_called,
        &[Subject::on_instance("failed_readiness")],
    ),
];

#[test]
fn a_process_is_killed_again_after_each_start() {
    let often = json!({ "up_ms": 100.0, "down_ms": 60.0 });
    let target = Target::instance("llm-0");
    let faults = [lasting("crash_loop", target, often, 100 * MS, 60 * SECOND)];
    conform(
        &small(),
        &faults,
        async |stage: Stage| {
            stage
                .until(|seen| seen.logs_of("process started").count() >= 2)
                .await;
            stage.clock.now_us()
        },
        |outcome| {
            assert!(outcome.answer >= 320 * MS, "{} us", outcome.answer);
            let restarts: Vec<_> = outcome.seen.logs_of("process started").collect();
            for (number, line) in restarts.iter().enumerate() {
                assert_eq!(line["instance"], "llm-0");
                assert_eq!(line["restarts"], json!(number + 1));
            }
            assert!(outcome.witnesses[0].firings >= 2);
        },
    );
}

#[test]
fn a_process_that_has_just_been_started_is_slow() {
    let mut topology = small();
    topology.metadata.service_time = Dist::fixed(10.0);
    let cold = json!({ "service_time_factor": 20.0, "warm_up_ms": 60_000.0 });
    let faults = [fault(
        "cold_start",
        Target::service(Service::METADATA),
        cold,
    )];
    conform(
        &topology,
        &faults,
        async |stage: Stage| stage.asking("r-0").await.expect("no panic").0,
        |outcome| {
            assert_eq!(outcome.answer, 200);
            let served = outcome.the_served("metadata-0");
            assert!(served.length_us() >= 150 * MS, "{served:#?}");
            assert_eq!(outcome.witnesses[0].firings, 1);
            outcome.assert_whole();
        },
    );
}

#[test]
fn requests_leave_memory_behind() {
    let mut topology = small();
    topology.reranker.memory.base_bytes = 1_000;
    let leak = json!({ "memory_leak_bytes_per_request": 500 });
    let faults = [fault(
        "memory_leak",
        Target::service(Service::RERANKER),
        leak,
    )];
    conform(
        &topology,
        &faults,
        async |stage: Stage| {
            for number in 0..3 {
                let asked = stage.asking(&format!("r-{number}"));
                assert_eq!(asked.await.expect("no panic").0, 200);
            }
            // The first sample is the highest since the last.
            stage.gauge("reranker-0", "process.memory.usage");
            stage.gauge("reranker-0", "process.memory.usage")
        },
        |outcome| {
            assert!(
                (2_500.0..10_000.0).contains(&outcome.answer),
                "{}",
                outcome.answer
            );
            assert_eq!(outcome.witnesses[0].firings, 3);
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_process_without_descriptors_accepts_nobody() {
    let leak = json!({ "descriptors_leaked": 40.0, "descriptor_limit": 64 });
    let faults = [fault(
        "descriptor_leak",
        Target::service(Service::METADATA),
        leak,
    )];
    conform(
        &small(),
        &faults,
        async |stage: Stage| {
            let first = stage.asking("first").await.expect("no panic").0;
            let (status, body) = stage.asking("second").await.expect("no panic");
            (first, status, body["error"]["message"].clone())
        },
        |outcome| {
            let refused = json!("connection refused");
            assert_eq!(outcome.answer, (200, 503, refused));
            let said = "accept error: Too many open files (os error 24)";
            assert!(outcome.log_of("metadata-0").contains(&said));
            assert_eq!(outcome.served("metadata-0").len(), 1);
        },
    );
}

#[test]
fn a_wrong_clock_moves_times_and_keeps_durations() {
    let mut topology = small();
    topology.metadata.service_time = Dist::fixed(20.0);
    let ahead = json!({ "clock_skew_us": 10 * SECOND });
    let faults = [fault("clock_skew", Target::instance("metadata-0"), ahead)];
    conform(
        &topology,
        &faults,
        async |stage: Stage| stage.asking("r-0").await.expect("no panic").0,
        |outcome| {
            assert_eq!(outcome.answer, 200);
            let call = outcome.calls("metadata")[0];
            let served = outcome.server_of(call).expect("it was served");
            let ahead_us = served.start_us - call.start_us;
            outcome.assert_took("the way there, as it seems", ahead_us, 10 * SECOND);
            outcome.assert_took("the look-up", served.length_us(), 20 * MS);
            assert!(call.length_us() < 10 * SECOND);
        },
    );
}

/// Asks until an answer has this status, and returns whether one had.
async fn until_status(stage: &Stage, name: &str, status: u16) -> bool {
    for number in 0..100 {
        let asked = stage.asking(&format!("{name}-{number}"));
        if asked.await.expect("no panic").0 == status {
            return true;
        }
        stage.clock.sleep_us(50 * MS).await;
    }
    false
}

#[test]
fn an_instance_that_says_it_is_not_ready_is_not_called() {
    let mut topology = small();
    topology.reranker.instances = 2;
    topology.network.health_check_ms = 20.0;
    let until_us = |instance, stop_us| {
        let target = Target::instance(instance);
        lasting("failed_readiness", target, json!({}), 0, stop_us)
    };
    let faults = [
        until_us("reranker-0", 60 * SECOND),
        until_us("reranker-1", 1_500 * MS),
    ];
    conform(
        &topology,
        &faults,
        async |stage: Stage| {
            let none_left = until_status(&stage, "none", 503).await;
            let one_back = until_status(&stage, "one", 200).await;
            let together = together(&stage, 6).await;
            let statuses: Vec<u16> = together.iter().map(|(status, _)| *status).collect();
            (none_left, one_back, statuses)
        },
        |outcome| {
            assert_eq!(outcome.answer, (true, true, vec![200; 6]));
            let calls = outcome.calls("reranker");
            let refused = calls.iter().filter(|call| call.error() == "UNAVAILABLE");
            assert!(refused.count() > 0, "nobody was there");
            let by_the_other = outcome.served("reranker-1");
            assert!(by_the_other.len() >= 7, "{by_the_other:#?}");
            assert!(
                !outcome.seen.text.contains("readyz"),
                "checks have no spans"
            );
        },
    );
}
