//! The reranker's own resources: memory, garbage collection, processors.

use ragdoll_model::{Dist, Topology};
use serde_json::json;

use super::{MS, Shown, Stage, Subject, conform, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_process_without_memory_dies_with_all_that_it_does_and_comes_back,
        &[Subject::Resource("memory")],
    ),
    (
        a_collection_of_garbage_stops_whoever_comes,
        &[Subject::Resource("memory")],
    ),
    (
        a_quota_stops_work_between_its_shares,
        &[Subject::Resource("cpu")],
    ),
];

const RERANK: &str = "ragdoll.v1.Reranker/Rerank";

/// A reranker whose every request leaves memory behind: the fourth does not fit.
fn leaky() -> Topology {
    let mut topology = small();
    let memory = &mut topology.reranker.memory;
    memory.base_bytes = 100;
    memory.bytes_per_input_byte = 0.0;
    memory.leak_bytes_per_request = 100;
    memory.budget_bytes = 350;
    memory.reclaim_ms = 120.0;
    memory.restart_ms = 250.0;
    topology
}

#[test]
fn a_process_without_memory_dies_with_all_that_it_does_and_comes_back() {
    conform(
        &leaky(),
        &[],
        async |stage: Stage| {
            for number in 0..3 {
                let (status, _) = stage
                    .asking(&format!("fits-{number}"))
                    .await
                    .expect("no panic");
                assert_eq!(status, 200);
            }
            let usage = stage.gauge("reranker-0", "process.memory.usage");
            let cut = [stage.asking("cut-0"), stage.asking("cut-1")];
            for answer in cut {
                let (status, body) = answer.await.expect("no panic");
                let message = body["error"]["message"].clone();
                assert_eq!((status, message), (503, json!("connection reset")));
            }
            let (status, body) = stage.asking("refused").await.expect("no panic");
            let refused = (status, body["error"]["message"].clone());
            stage
                .until(|seen| seen.logs_of("process started").next().is_some())
                .await;
            let (status, _) = stage.asking("after").await.expect("no panic");
            assert_eq!(status, 200);
            (usage, refused)
        },
        |outcome| {
            let (usage, refused) = &outcome.answer;
            assert!(*usage >= 300.0, "{usage} bytes after three requests");
            assert_eq!(*refused, (503, json!("connection refused")));
            let limit = outcome.seen.gauge("reranker-0", "process.memory.limit");
            assert_eq!(limit, 350.0);
            let mut log = outcome.log_of("reranker-0");
            log.retain(|message| *message != "documents reranked");
            let expected = [
                "memory low, reclaiming",
                "OutOfMemory: process killed",
                "process started",
            ];
            assert_eq!(log, expected);
            let started = outcome
                .seen
                .logs_of("process started")
                .next()
                .expect("just seen");
            assert_eq!(started["restarts"], 1);
            // Spans that were open when the process died are lost; the callers' are not.
            assert_eq!(outcome.served("reranker-0").len(), 4);
            let calls = outcome.calls("reranker");
            let failed = calls.iter().filter(|call| call.error() == "UNAVAILABLE");
            assert_eq!((calls.len(), failed.count()), (7, 3));
            let cut = &outcome.seen.trace_of("cut-0");
            let call = cut
                .iter()
                .find(|span| span.name == RERANK)
                .expect("the call");
            outcome.assert_took("reclaiming", call.length_us(), 120 * MS);
            assert_eq!(outcome.seen.left_open, 0);
        },
    );
}

#[test]
fn a_collection_of_garbage_stops_whoever_comes() {
    let mut topology = small();
    topology.reranker.memory.bytes_per_input_byte = 1.0;
    topology.reranker.memory.garbage_factor = 1.0;
    topology.reranker.memory.gc_threshold = 0.0;
    topology.reranker.memory.gc_pause = Dist::fixed(50.0);
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let first = stage.asking("first").await.expect("no panic").0;
            let paused = stage.asking("paused").await.expect("no panic").0;
            [first, paused]
        },
        |outcome| {
            assert_eq!(outcome.answer, [200, 200]);
            let pauses = outcome.waits("reranker-0", "gc.pause");
            assert_eq!(pauses.len(), 1, "{pauses:#?}");
            let served = outcome.served("reranker-0");
            assert_eq!(served.len(), 2);
            assert_eq!(pauses[0].parent.as_ref(), Some(&served[1].id));
            outcome.assert_took("the pause", served[1].length_us(), 50 * MS);
            let collected: Vec<_> = outcome.seen.logs_of("garbage collected").collect();
            assert_eq!(collected.len(), 1);
            assert_eq!(collected[0]["pause_ms"], 50.0);
            assert_eq!(collected[0]["request_id"], "paused");
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_quota_stops_work_between_its_shares() {
    let mut topology = small();
    topology.reranker.cpu_cores = 1;
    topology.reranker.cpu_quota_ms = 10.0;
    topology.reranker.service_time = Dist::fixed(30.0);
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let (status, _) = stage.asking("r-0").await.expect("no panic");
            stage.sample_gauges();
            status
        },
        |outcome| {
            assert_eq!(outcome.answer, 200);
            let stops = outcome.waits("reranker-0", "cpu.throttled");
            assert!(!stops.is_empty());
            if outcome.is_exact() {
                let lengths: Vec<u64> = stops.iter().map(|stop| stop.length_us() / MS).collect();
                assert_eq!(lengths, [90, 90]);
            }
            // Ten milliseconds of one period, those of the next, and those of the one after it.
            let served = outcome.the_served("reranker-0");
            assert!(served.length_us() >= 120 * MS, "{served:#?}");
            let throttled = |(of, gauge, time): &(String, &str, f64)| {
                of == "reranker-0" && *gauge == "process.cpu.throttled_time" && *time > 0.0
            };
            assert!(outcome.seen.samples.iter().any(throttled));
            outcome.assert_whole();
        },
    );
}
