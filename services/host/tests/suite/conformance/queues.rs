//! Resources that requests wait for in a line: workers, batches, locks, pools.

use ragdoll_model::Dist;
use ragdoll_model::topology::LockScope;
use serde_json::{Value, json};

use super::outcome::{all_at_once, one_after_the_other};
use super::{MS, Shown, Stage, Subject, conform, small, together};
use crate::common::seen::Span;

pub(crate) const SHOWN: &[Shown] = &[
    (
        one_server_serves_three_one_after_the_other,
        &[Subject::Resource("workers")],
    ),
    (
        who_finds_a_grpc_servers_queue_full_is_turned_away,
        &[Subject::Resource("workers"), Subject::Protocol("status")],
    ),
    (
        who_finds_an_http_servers_queue_full_is_turned_away,
        &[Subject::Resource("workers"), Subject::Protocol("status")],
    ),
    (a_batch_takes_all_who_wait, &[Subject::Resource("batcher")]),
    (
        a_batchers_full_queue_turns_away,
        &[Subject::Resource("batcher"), Subject::Protocol("status")],
    ),
    (
        one_lock_for_all_makes_users_wait_for_each_other,
        &[Subject::Resource("lock")],
    ),
    (
        a_lock_a_user_makes_nobody_else_wait,
        &[Subject::Resource("lock")],
    ),
    (
        a_pool_of_one_lends_its_connection_to_one_at_a_time,
        &[Subject::Resource("pool")],
    ),
    (
        who_waits_too_long_for_a_connection_gives_up,
        &[Subject::Resource("pool"), Subject::Protocol("status")],
    ),
];

const LOOKUP: &str = "ragdoll.v1.Metadata/Lookup";

#[test]
fn one_server_serves_three_one_after_the_other() {
    let mut topology = small();
    topology.metadata.workers = 1;
    topology.metadata.service_time = Dist::fixed(80.0);
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let answers = together(&stage, 3).await;
            stage.sample_gauges();
            answers
        },
        |outcome| {
            assert!(outcome.answer.iter().all(|(status, _)| *status == 200));
            let busy = |(of, gauge, share): &(String, &str, f64)| {
                of == "metadata-0" && *gauge == "worker.utilization" && *share > 0.0
            };
            assert!(outcome.seen.samples.iter().any(busy));
            let waits = outcome.waits("metadata-0", "queue.wait");
            assert_eq!(waits.len(), 2, "{waits:#?}");
            let served = outcome.served("metadata-0");
            assert_eq!(served.len(), 3);
            let first_us = served
                .iter()
                .map(|span| span.start_us)
                .min()
                .expect("three");
            let last_us = served.iter().map(|span| span.end_us).max().expect("three");
            outcome.assert_took("all three", last_us - first_us, 3 * 80 * MS);
            for wait in waits {
                let of = served
                    .iter()
                    .find(|span| wait.parent.as_ref() == Some(&span.id));
                let of = of.expect("a wait is part of its request's look-up");
                outcome.assert_took("the work", of.end_us - wait.end_us, 80 * MS);
            }
            outcome.assert_whole();
        },
    );
}

/// The one answer that is not a success.
fn the_failure(answers: &[(u16, Value)]) -> &(u16, Value) {
    let failed: Vec<_> = answers
        .iter()
        .filter(|(status, _)| *status != 200)
        .collect();
    assert_eq!(failed.len(), 1, "{answers:#?}");
    failed[0]
}

fn assert_overloaded((status, body): &(u16, Value)) {
    assert_eq!(
        (*status, &body["error"]["type"]),
        (503, &json!("overloaded"))
    );
    let message = body["error"]["message"].as_str().expect("a message");
    assert!(message.starts_with("queue full: "), "{message}");
}

#[test]
fn who_finds_a_grpc_servers_queue_full_is_turned_away() {
    let mut topology = small();
    topology.metadata.workers = 1;
    topology.metadata.queue_bound = 1;
    topology.metadata.service_time = Dist::fixed(100.0);
    conform(
        &topology,
        &[],
        async |stage: Stage| together(&stage, 3).await,
        |outcome| {
            assert_overloaded(the_failure(&outcome.answer));
            let (server, client) = (outcome.served("metadata-0"), outcome.calls("metadata"));
            for side in [server, client] {
                let full = side
                    .iter()
                    .filter(|span| span.error() == "RESOURCE_EXHAUSTED");
                assert_eq!((side.len(), full.count()), (3, 1), "{side:#?}");
            }
            outcome.assert_whole();
        },
    );
}

#[test]
fn who_finds_an_http_servers_queue_full_is_turned_away() {
    let mut topology = small();
    topology.metadata.service_time = Dist::fixed(100.0);
    topology.gateway.workers = 1;
    topology.gateway.queue_bound = 0;
    conform(
        &topology,
        &[],
        async |stage: Stage| together(&stage, 2).await,
        |outcome| {
            assert_overloaded(the_failure(&outcome.answer));
            let (server, client) = (outcome.served("gateway-0"), outcome.calls("gateway"));
            for side in [server, client] {
                let full = side.iter().filter(|span| span.error() == "503");
                assert_eq!((side.len(), full.count()), (2, 1), "{side:#?}");
            }
            assert_eq!(outcome.seen.logs_of("query failed").count(), 1);
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_batch_takes_all_who_wait() {
    let mut topology = small();
    topology.embedder.service_time = Dist::fixed(100.0);
    topology.embedder.max_batch = 8;
    conform(
        &topology,
        &[],
        async |stage: Stage| together(&stage, 6).await,
        |outcome| {
            assert!(outcome.answer.iter().all(|(status, _)| *status == 200));
            let served = outcome.served("embedder-0");
            let waits = outcome.waits_over(50 * MS, "embedder-0", "queue.wait");
            // The first is a batch of its own: it waited for nobody.
            assert_eq!((served.len(), waits.len()), (6, 5), "{waits:#?}");
            let waited = |id: &String| waits.iter().any(|wait| wait.parent.as_ref() == Some(id));
            let (batch, alone): (Vec<&Span>, Vec<&Span>) =
                served.into_iter().partition(|span| waited(&span.id));
            assert_eq!(alone.len(), 1);
            let began_us = waits.iter().map(|wait| wait.end_us).max().expect("five");
            let first_done_us = batch.iter().map(|span| span.end_us).min().expect("five");
            outcome.assert_took(
                "the batch",
                first_done_us - began_us,
                batch_us(outcome.is_exact()),
            );
            outcome.assert_whole();
        },
    );
}

/// What lies between the last one's hearing that the batch began and the first one's hearing that it
/// is done: all of it in virtual time. In real time some of it passes while they hear of it.
fn batch_us(exact: bool) -> u64 {
    if exact { 100 * MS } else { 1 }
}

#[test]
fn a_batchers_full_queue_turns_away() {
    let mut topology = small();
    topology.embedder.service_time = Dist::fixed(100.0);
    topology.embedder.queue_bound = 1;
    conform(
        &topology,
        &[],
        async |stage: Stage| together(&stage, 3).await,
        |outcome| {
            let mut statuses: Vec<u16> = outcome.answer.iter().map(|(status, _)| *status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 200, 503]);
            let server = outcome.served("embedder-0");
            let full = server
                .iter()
                .filter(|span| span.error() == "RESOURCE_EXHAUSTED");
            assert_eq!((server.len(), full.count()), (3, 1));
            outcome.assert_whole();
        },
    );
}

#[test]
fn one_lock_for_all_makes_users_wait_for_each_other() {
    let mut topology = small();
    topology.metadata.lock_hold = Dist::fixed(70.0);
    topology.metadata.lock_scope = LockScope::Global;
    conform(
        &topology,
        &[],
        async |stage: Stage| together(&stage, 3).await,
        |outcome| {
            assert!(outcome.answer.iter().all(|(status, _)| *status == 200));
            let holds = outcome.spans("metadata-0", "lock.hold");
            assert_eq!(holds.len(), 3);
            assert!(one_after_the_other(&holds), "{holds:#?}");
            for hold in &holds {
                outcome.assert_took("a hold", hold.length_us(), 70 * MS);
                assert_eq!(hold.attribute("lock.name"), "metadata.store");
            }
            let waits = outcome.waits("metadata-0", "lock.wait");
            assert_eq!(waits.len(), 2, "{waits:#?}");
            assert!(
                waits
                    .iter()
                    .all(|wait| wait.attribute("lock.name") == "metadata.store")
            );
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_lock_a_user_makes_nobody_else_wait() {
    let mut topology = small();
    topology.metadata.lock_hold = Dist::fixed(100.0);
    topology.metadata.lock_scope = LockScope::PerKey;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let others = together(&stage, 3).await;
            let same = [stage.asking("same-0"), stage.asking("same-1")];
            let mut statuses: Vec<u16> = others.iter().map(|(status, _)| *status).collect();
            for answer in same {
                statuses.push(answer.await.expect("no panic").0);
            }
            statuses
        },
        |outcome| {
            assert_eq!(outcome.answer, [200; 5]);
            let holds = outcome.spans("metadata-0", "lock.hold");
            assert_eq!(holds.len(), 5);
            assert!(all_at_once(&holds[..3]).is_some(), "{holds:#?}");
            assert!(one_after_the_other(&holds[3..]), "{holds:#?}");
            let waits = outcome.waits("metadata-0", "lock.wait");
            assert_eq!(waits.len(), 1, "only one of the same user's: {waits:#?}");
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_pool_of_one_lends_its_connection_to_one_at_a_time() {
    let mut topology = small();
    topology.gateway.metadata_pool_size = 1;
    topology.metadata.service_time = Dist::fixed(70.0);
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let answers = together(&stage, 3).await;
            (
                answers,
                stage.gauge("gateway-0", "db.client.connection.max"),
            )
        },
        |outcome| {
            let (answers, size) = &outcome.answer;
            assert_eq!(*size, 1.0);
            assert!(answers.iter().all(|(status, _)| *status == 200));
            let waits = outcome.waits("gateway-0", "pool.acquire");
            assert_eq!(waits.len(), 2, "{waits:#?}");
            let pool =
                |wait: &&Span| wait.attribute("db.client.connection.pool.name") == "metadata";
            assert!(waits.iter().all(pool));
            let calls = outcome.calls("metadata");
            assert_eq!(calls.len(), 3);
            assert!(calls.iter().all(|call| call.name == LOOKUP));
            assert!(one_after_the_other(&calls), "{calls:#?}");
            outcome.assert_whole();
        },
    );
}

#[test]
fn who_waits_too_long_for_a_connection_gives_up() {
    let mut topology = small();
    topology.gateway.metadata_pool_size = 1;
    topology.gateway.metadata_pool_timeout_ms = 30.0;
    topology.metadata.service_time = Dist::fixed(250.0);
    conform(
        &topology,
        &[],
        async |stage: Stage| together(&stage, 2).await,
        |outcome| {
            let (status, body) = the_failure(&outcome.answer);
            let message = "no connection of pool metadata came free within 30 ms";
            assert_eq!((*status, &body["error"]["message"]), (503, &json!(message)));
            let waits = outcome.waits("gateway-0", "pool.acquire");
            assert_eq!(waits.len(), 1, "{waits:#?}");
            outcome.assert_took("the wait", waits[0].length_us(), 30 * MS);
            assert_eq!(outcome.calls("metadata").len(), 1, "the other never called");
            outcome.assert_whole();
        },
    );
}
