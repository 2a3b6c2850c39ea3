//! How a service is called: attempts, hedges, time limits, several calls at once.

use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Topology};
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::json;

use super::outcome::one_after_the_other;
use super::stage::NEVER_US;
use super::{MS, Outcome, Shown, Stage, Subject, conform, fault, small};
use crate::common::Seen;
use crate::common::seen::Span;

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_retry_goes_to_the_other_replica,
        &[Subject::Resource("call_plan")],
    ),
    (
        a_retry_over_http_says_how_often_it_was_sent,
        &[Subject::Resource("call_plan"), Subject::Protocol("headers")],
    ),
    (
        a_hedge_overtakes_the_first_copy_and_cancels_it,
        &[
            Subject::Resource("call_plan"),
            Subject::Protocol("cancellation"),
        ],
    ),
    (
        a_time_limit_ends_the_call_on_both_sides,
        &[
            Subject::Resource("call_plan"),
            Subject::Protocol("cancellation"),
            Subject::Protocol("deadline"),
        ],
    ),
    (
        a_caller_that_goes_away_cancels_everything_behind_it,
        &[Subject::Protocol("cancellation")],
    ),
    (
        a_callers_deadline_holds_for_everything_behind_it,
        &[Subject::Protocol("deadline")],
    ),
];

/// A system of two replicas of each partition.
fn replicated() -> Topology {
    let mut topology = small();
    topology.vector_db.replicas = 2;
    topology.vector_db.shard_call.backoff_ms = 1.0;
    topology
}

/// Asks `count` times, one after the other; returns the statuses.
async fn in_turn(stage: &Stage, count: u32) -> Vec<u16> {
    let mut statuses = Vec::new();
    for number in 0..count {
        let asking = stage.asking(&format!("r-{number}"));
        statuses.push(asking.await.expect("no panic").0);
    }
    statuses
}

/// The calls of one partition that a request made, in the order in which they were made.
fn calls_of_partition<T>(outcome: &Outcome<T>, request_id: &str, partition: u32) -> Vec<Span> {
    let prefix = format!("shard-{partition}-");
    let mut calls: Vec<Span> = outcome
        .seen
        .trace_of(request_id)
        .into_iter()
        .cloned()
        .collect();
    calls.retain(|span| {
        let to = span.attribute("server.instance");
        span.kind == SpanKind::Client && to.starts_with(&prefix)
    });
    calls.sort_by_key(|span| span.start_us);
    calls
}

#[test]
fn a_retry_goes_to_the_other_replica() {
    let mut topology = replicated();
    topology.vector_db.shard_call.attempts = 2;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            stage.instance("shard-0-0").crash(NEVER_US);
            in_turn(&stage, 8).await
        },
        |outcome| {
            assert_eq!(outcome.answer, [200; 8]);
            let mut retried = 0;
            for number in 0..8 {
                let calls = calls_of_partition(outcome, &format!("r-{number}"), 0);
                let to: Vec<_> = calls
                    .iter()
                    .map(|call| call.attribute("server.instance"))
                    .collect();
                if to == ["shard-0-1"] {
                    continue;
                }
                assert_eq!(to, ["shard-0-0", "shard-0-1"]);
                retried += 1;
                assert_eq!([calls[0].error(), calls[1].error()], ["UNAVAILABLE", ""]);
                let attempts = calls.iter().map(|call| call.attribute("rpc.retry.attempt"));
                assert_eq!(attempts.collect::<Vec<_>>(), ["", "1"]);
                assert!(one_after_the_other(&calls.iter().collect::<Vec<_>>()));
            }
            // Which replica a request meets first follows from its id, whatever carries it.
            assert_eq!(retried, 2);
            assert_eq!(outcome.spans("vector-db-0", "retry.backoff").len(), 2);
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_retry_over_http_says_how_often_it_was_sent() {
    let mut topology = small();
    topology.llm.instances = 2;
    topology.gateway.llm_call.attempts = 2;
    topology.gateway.llm_call.backoff_ms = 1.0;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            stage.instance("llm-0").crash(NEVER_US);
            in_turn(&stage, 6).await
        },
        |outcome| {
            assert_eq!(outcome.answer, [200; 6]);
            let calls = outcome.calls("llm");
            let (second, first): (Vec<&Span>, Vec<&Span>) = calls
                .into_iter()
                .partition(|call| call.attribute("http.request.resend_count") == "1");
            assert_eq!(first.len(), 6);
            assert!(!second.is_empty());
            assert!(
                second
                    .iter()
                    .all(|call| call.attribute("server.instance") == "llm-1")
            );
            let failed = first.iter().filter(|call| call.error() == "503");
            assert_eq!(failed.count(), second.len());
            assert_eq!(outcome.served("llm-1").len(), 6);
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_hedge_overtakes_the_first_copy_and_cancels_it() {
    let mut topology = replicated();
    topology.vector_db.shard_call.hedge_after_ms = 20.0;
    let delay = json!({ "delay": { "fixed": { "ms": 5_000.0 } } });
    conform(
        &topology,
        &[fault("latency", Target::instance("shard-0-0"), delay)],
        async |stage: Stage| {
            let statuses = in_turn(&stage, 4).await;
            let cancelled = |span: &Span| span.error() == "CANCELLED";
            stage
                .until(|seen| {
                    let slow = seen
                        .spans
                        .iter()
                        .filter(|span| span.instance == "shard-0-0");
                    let copies = seen
                        .spans
                        .iter()
                        .filter(|span| span.kind == SpanKind::Client && cancelled(span));
                    slow.filter(|span| cancelled(span)).count() == copies.count()
                })
                .await;
            statuses
        },
        |outcome| {
            assert_eq!(outcome.answer, [200; 4]);
            let mut hedged = 0;
            for number in 0..4 {
                let calls = calls_of_partition(outcome, &format!("r-{number}"), 0);
                if calls[0].attribute("server.instance") == "shard-0-1" {
                    continue;
                }
                hedged += 1;
                assert_eq!(calls.len(), 2);
                assert_eq!(calls[1].attribute("server.instance"), "shard-0-1");
                assert_eq!(calls[1].attribute("rpc.hedge"), "true");
                assert_eq!([calls[0].error(), calls[1].error()], ["CANCELLED", ""]);
                outcome.assert_took("patience", calls[1].start_us - calls[0].start_us, 20 * MS);
                let server = outcome.server_of(&calls[0]).expect("it was served");
                assert_eq!(
                    server.error(),
                    "CANCELLED",
                    "the server hears that nobody waits"
                );
            }
            assert!(hedged > 0, "no request met the slow replica first");
            outcome.assert_whole();
        },
    );
}

/// A system whose reranker works for ten seconds.
fn stuck_reranker() -> Topology {
    let mut topology = small();
    topology.reranker.service_time = Dist::fixed(10_000.0);
    topology
}

/// Waits until the reranker has given its work up.
async fn until_cancelled(stage: &Stage) {
    let given_up = |span: &Span| span.instance == "reranker-0" && span.error() == "CANCELLED";
    stage.until(|seen| seen.spans.iter().any(given_up)).await;
}

#[test]
fn a_time_limit_ends_the_call_on_both_sides() {
    let mut topology = stuck_reranker();
    topology.gateway.reranker_call.timeout_ms = 50.0;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let (status, body) = stage.asking("late").await.expect("no panic");
            until_cancelled(&stage).await;
            (status, body["error"]["type"].clone())
        },
        |outcome| {
            assert_eq!(outcome.answer, (504, json!("timeout")));
            let calls = outcome.calls("reranker");
            assert_eq!(calls.len(), 1);
            assert_eq!(calls[0].error(), "DEADLINE_EXCEEDED");
            outcome.assert_took("the limit", calls[0].length_us(), 50 * MS);
            let server = outcome.the_served("reranker-0");
            assert_eq!(server.error(), "CANCELLED");
            assert!(outcome.calls("llm").is_empty());
            outcome.assert_whole();
        },
    );
}

/// How the spans of the two calls ended that the cancelled work was behind: the client's of the
/// gateway, the gateway's, its call of the reranker, and the reranker's.
fn endings<T>(outcome: &Outcome<T>) -> [&str; 4] {
    let error = |kind: SpanKind, name: &str| {
        let mut spans = outcome.seen.spans.iter();
        let span = spans.find(|span| span.is(kind.clone(), name));
        span.unwrap_or_else(|| panic!("no {name}")).error()
    };
    let (query, rerank) = ("POST /v1/query", "ragdoll.v1.Reranker/Rerank");
    [
        error(SpanKind::Client, query),
        error(SpanKind::Server, query),
        error(SpanKind::Client, rerank),
        error(SpanKind::Server, rerank),
    ]
}

#[test]
fn a_caller_that_goes_away_cancels_everything_behind_it() {
    conform(
        &stuck_reranker(),
        &[],
        async |stage: Stage| {
            let asking = stage.asking("impatient");
            let arrived =
                |seen: &Seen| seen.spans.iter().any(|span| span.instance == "vector-db-0");
            stage.until(arrived).await;
            stage.clock.sleep_us(50 * MS).await;
            asking.abort();
            until_cancelled(&stage).await;
        },
        |outcome| {
            assert_eq!(endings(outcome), ["CANCELLED"; 4]);
            assert!(outcome.calls("llm").is_empty());
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_callers_deadline_holds_for_everything_behind_it() {
    conform(
        &stuck_reranker(),
        &[],
        async |stage: Stage| {
            let mut context = RequestContext::new("impatient", "user-1");
            context.deadline_us = Some(stage.clock.now_us() + 150 * MS);
            let (status, _) = stage.ask_within(context, &stage.query(1, 1)).await;
            until_cancelled(&stage).await;
            status
        },
        |outcome| {
            assert_eq!(outcome.answer, 504);
            let endings = endings(outcome);
            // The caller's own clock is the first to say so where time is exact. Where it is real the
            // gateway, which knows the deadline, may say so before it hears that its caller did.
            if outcome.is_exact() {
                assert_eq!(endings, ["504", "CANCELLED", "CANCELLED", "CANCELLED"]);
            }
            assert_eq!((endings[0], endings[3]), ("504", "CANCELLED"));
            assert!(["504", "CANCELLED"].contains(&endings[1]), "{endings:?}");
            assert!(
                ["DEADLINE_EXCEEDED", "CANCELLED"].contains(&endings[2]),
                "{endings:?}"
            );
            let root = outcome.calls("gateway")[0];
            outcome.assert_took("its patience", root.length_us(), 150 * MS);
            outcome.assert_whole();
        },
    );
}
