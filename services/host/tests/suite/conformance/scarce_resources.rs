//! Faults that leave less of a resource, or keep it from everybody for a while.

use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Service};
use serde_json::json;

use super::outcome::one_after_the_other;
use super::{MS, Shown, Stage, Subject, conform, fault, lasting, small, together};

pub(crate) const SHOWN: &[Shown] = &[
    (
        lost_workers_make_requests_wait,
        &[Subject::on_service("worker_loss")],
    ),
    (
        lost_connections_count_as_used,
        &[Subject::on_instance("pool_exhaustion")],
    ),
    (
        a_handover_costs_whoever_waited,
        &[Subject::on_service("lock_convoy")],
    ),
    (
        work_in_the_background_keeps_the_lock,
        &[Subject::on_service("long_held_lock")],
    ),
    (
        a_deadlock_fails_after_its_time_out,
        &[Subject::on_service("deadlock")],
    ),
    (
        maintenance_keeps_searches_out,
        &[Subject::on_instance("index_compaction")],
    ),
    (
        neighbours_make_work_take_longer,
        &[Subject::on_service("noisy_neighbour")],
    ),
    (
        a_long_item_holds_up_its_batch,
        &[Subject::on_service("batch_blocking")],
    ),
    (
        a_collection_stops_the_process,
        &[Subject::on_service("gc_pause")],
    ),
    (
        a_small_cache_makes_sequences_lose_their_blocks,
        &[Subject::on_service("kv_cache_thrashing")],
    ),
    (
        a_prompt_that_is_too_long_is_refused,
        &[Subject::on_service("context_overflow")],
    ),
];

async fn once(stage: Stage) -> u16 {
    stage.asking("r-0").await.expect("no panic").0
}

async fn all_of_two(stage: Stage) -> Vec<u16> {
    let answers = together(&stage, 2).await.into_iter();
    answers.map(|(status, _)| status).collect()
}

#[test]
fn lost_workers_make_requests_wait() {
    let mut topology = small();
    topology.reranker.workers = 4;
    topology.reranker.service_time = Dist::fixed(70.0);
    let target = Target::service(Service::RERANKER);
    let faults = [fault("worker_loss", target, json!({ "workers": 1 }))];
    conform(&topology, &faults, all_of_two, |outcome| {
        assert_eq!(outcome.answer, [200, 200]);
        let waits = outcome.waits("reranker-0", "queue.wait");
        assert_eq!(waits.len(), 1, "{waits:#?}");
        outcome.assert_whole();
    });
}

#[test]
fn lost_connections_count_as_used() {
    let mut topology = small();
    topology.metadata.service_time = Dist::fixed(70.0);
    topology.gateway.metadata_pool_size = 5;
    let left = json!({ "connections_left": 1 });
    let faults = [fault(
        "pool_exhaustion",
        Target::instance("gateway-0"),
        left,
    )];
    conform(
        &topology,
        &faults,
        async |stage: Stage| {
            let gauge = "db.client.connection.count";
            stage.until_gauge("gateway-0", gauge, 4.0).await;
            let used = stage.gauge("gateway-0", gauge);
            (used, all_of_two(stage).await)
        },
        |outcome| {
            assert_eq!(outcome.answer, (4.0, vec![200, 200]));
            let waits = outcome.waits("gateway-0", "pool.acquire");
            assert_eq!(waits.len(), 1, "{waits:#?}");
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_handover_costs_whoever_waited() {
    let mut topology = small();
    topology.metadata.lock_hold = Dist::fixed(60.0);
    let target = Target::service(Service::METADATA);
    let faults = [fault("lock_convoy", target, json!({ "handoff_ms": 40.0 }))];
    conform(&topology, &faults, all_of_two, |outcome| {
        assert_eq!(outcome.answer, [200, 200]);
        let holds = outcome.spans("metadata-0", "lock.hold");
        assert_eq!(holds.len(), 2);
        assert!(one_after_the_other(&holds), "{holds:#?}");
        let between_us = holds[1].start_us - holds[0].end_us;
        outcome.assert_took("the handover", between_us, 40 * MS);
        let waits = outcome.waits("metadata-0", "lock.wait");
        assert_eq!(waits.len(), 1, "{waits:#?}");
        outcome.assert_whole();
    });
}

#[test]
fn work_in_the_background_keeps_the_lock() {
    let held = json!({ "hold_ms": 400.0, "every_ms": 60_000.0 });
    let target = Target::service(Service::METADATA);
    let faults = [fault("long_held_lock", target, held)];
    conform(&small(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let waits = outcome.spans("metadata-0", "lock.wait");
        assert_eq!(waits.len(), 1, "{waits:#?}");
        outcome.assert_at("the end of the wait", waits[0].end_us, 400 * MS);
        outcome.assert_whole();
    });
}

#[test]
fn a_deadlock_fails_after_its_time_out() {
    let target = Target::service(Service::METADATA);
    let faults = [fault("deadlock", target, json!({ "timeout_ms": 50.0 }))];
    conform(&small(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 500);
        let hold = outcome.spans("metadata-0", "lock.hold")[0];
        outcome.assert_took("the hold", hold.length_us(), 50 * MS);
        assert_eq!(outcome.calls("metadata")[0].error(), "ABORTED");
        assert!(outcome.seen.text.contains("deadlock detected"));
        outcome.assert_whole();
    });
}

#[test]
fn maintenance_keeps_searches_out() {
    let held = json!({ "hold_ms": 400.0, "every_ms": 60_000.0 });
    let target = Target::instance("shard-1-0");
    let faults = [fault("index_compaction", target, held)];
    conform(&small(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let waits = outcome.spans("shard-1-0", "lock.wait");
        assert_eq!(waits.len(), 1, "{waits:#?}");
        outcome.assert_at("the end of the wait", waits[0].end_us, 400 * MS);
        assert!(outcome.waits("shard-0-0", "lock.wait").is_empty());
        outcome.assert_whole();
    });
}

#[test]
fn neighbours_make_work_take_longer() {
    let mut topology = small();
    topology.metadata.service_time = Dist::fixed(30.0);
    topology.reranker.service_time = Dist::fixed(30.0);
    let burst = json!({ "stolen": 0.75, "burst_ms": 50_000.0, "every_ms": 60_000.0 });
    let faults = [Service::METADATA, Service::RERANKER]
        .map(|service| fault("noisy_neighbour", Target::service(service), burst.clone()));
    conform(
        &topology,
        &faults,
        async |stage: Stage| {
            let answer = once(stage.clone()).await;
            (
                answer,
                stage.gauge("reranker-0", "system.cpu.utilization.steal"),
            )
        },
        |outcome| {
            let (status, stolen) = outcome.answer;
            assert_eq!(status, 200);
            assert!((0.5..=0.75).contains(&stolen), "{stolen}");
            for instance in ["metadata-0", "reranker-0"] {
                let served = outcome.the_served(instance);
                outcome.assert_took(instance, served.length_us(), 120 * MS);
            }
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_long_item_holds_up_its_batch() {
    let mut topology = small();
    topology.embedder.service_time = Dist::fixed(10.0);
    let target = Target::service(Service::EMBEDDER);
    let faults = [fault(
        "batch_blocking",
        target,
        json!({ "item_factor": 12.0 }),
    )];
    conform(&topology, &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let served = outcome.the_served("embedder-0");
        outcome.assert_took("the batch", served.length_us(), 120 * MS);
        outcome.assert_whole();
    });
}

#[test]
fn a_collection_stops_the_process() {
    let by_clock = json!({ "pause_ms": 300.0, "every_ms": 60_000.0 });
    let target = Target::service(Service::METADATA);
    let faults = [lasting("gc_pause", target, by_clock, 0, 400 * MS)];
    conform(
        &small(),
        &faults,
        async |stage: Stage| {
            let answer = once(stage.clone()).await;
            let noted =
                |seen: &crate::common::Seen| seen.logs_of("garbage collection").next().is_some();
            stage.until(noted).await;
            answer
        },
        |outcome| {
            assert_eq!(outcome.answer, 200);
            let call = outcome.calls("metadata")[0];
            assert!(outcome.run_us(call.end_us) >= 300 * MS, "{call:#?}");
            let line = outcome.seen.logs_of("garbage collection").next();
            let line = line.expect("the process says why it stood still");
            assert!(line["pause_ms"].as_f64() >= Some(200.0), "{line}");
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_small_cache_makes_sequences_lose_their_blocks() {
    let mut topology = small();
    topology.llm.decode_base_ms = 20.0;
    topology.llm.block_size = 1;
    // Two prompts of 90 tokens, contexts included, fit, and of what they generate only a part.
    let faults = [fault(
        "kv_cache_thrashing",
        Target::service(Service::LLM),
        json!({ "blocks": 186 }),
    )];
    conform(&topology, &faults, all_of_two, |outcome| {
        assert_eq!(outcome.answer, [200, 200]);
        let lost = outcome.spans("llm-0", "gen_ai.preempted");
        assert!(!lost.is_empty(), "nobody lost a block");
        outcome.assert_whole();
    });
}

#[test]
fn a_prompt_that_is_too_long_is_refused() {
    let target = Target::service(Service::LLM);
    let limit = json!({ "context_tokens": 20 });
    let faults = [fault("context_overflow", target, limit)];
    conform(
        &small(),
        &faults,
        async |stage: Stage| stage.asking("r-0").await.expect("no panic"),
        |outcome| {
            let (status, body) = &outcome.answer;
            assert_eq!(*status, 502);
            assert_eq!(body["error"]["code"], "context_length_exceeded");
            let message = body["error"]["message"].as_str().expect("a text");
            assert!(
                message.contains("maximum context length is 20 tokens"),
                "{message}"
            );
            let served = outcome.the_served("llm-0");
            assert_eq!(served.attribute("http.response.status_code"), "400");
            assert_eq!(served.error(), "context_length_exceeded");
            assert_eq!(outcome.calls("llm")[0].error(), "400");
            outcome.assert_whole();
        },
    );
}
