//! Processes die, replicas are lost, deadlines pass: what callers get, and what traces keep.

use ragdoll_model::{Dist, Topology};
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::json;

use crate::common::seen::{Seen, Span};
use crate::common::{on, steady};

const MS: u64 = 1000;

fn calls<'a>(trace: &[&'a Span], service: &str) -> Vec<&'a Span> {
    let calls = trace.iter().filter(|span| {
        span.kind == SpanKind::Client && span.attribute("server.address") == service
    });
    calls.copied().collect()
}

/// A system whose reranker works for half a second.
fn slow_reranker() -> Topology {
    let mut topology = steady();
    topology.reranker.service_time = Dist::fixed(500.0);
    topology
}

#[test]
fn a_death_fails_what_is_in_progress_loses_its_spans_and_is_followed_by_a_start() {
    let ((), seen) = on(slow_reranker(), |ground| async move {
        let reranker = ground.instance("reranker-0");
        let asking = {
            let ground = ground.clone();
            tokio::spawn(async move { ground.ask("cut", &ground.query(5, 9)).await })
        };
        ground.clock.sleep_us(100 * MS).await;
        reranker.crash(10_000 * MS);
        let (status, body) = asking.await.expect("no panic");
        assert_eq!(status, 503, "{body}");
        assert_eq!(body["error"]["type"], "unavailable");
        assert_eq!(body["error"]["message"], "connection reset");
        assert_eq!(
            ground.clock.now_us() / MS,
            100,
            "the caller hears of it at once"
        );

        let (status, body) = ground.ask("refused", &ground.query(5, 9)).await;
        assert_eq!(
            (status, &body["error"]["message"]),
            (503, &json!("connection refused"))
        );
        assert!(!reranker.process.is_up());

        ground.clock.sleep_us(10_000 * MS).await;
        assert!(reranker.process.is_up());
        let (status, _) = ground.ask("after", &ground.query(5, 9)).await;
        assert_eq!(status, 200);
    });
    for request in ["cut", "refused"] {
        let trace = seen.trace_of(request);
        let rerank = calls(&trace, "reranker");
        assert_eq!(rerank.len(), 1);
        assert_eq!(rerank[0].error(), "UNAVAILABLE");
        assert!(
            trace.iter().all(|span| span.instance != "reranker-0"),
            "its spans are lost"
        );
        let roots = trace.iter().filter(|span| span.parent.is_none());
        assert_eq!(roots.map(|span| span.error()).collect::<Vec<_>>(), ["503"]);
        assert!(calls(&trace, "llm").is_empty());
    }
    let served = seen.trace_of("after");
    assert!(served.iter().any(|span| span.instance == "reranker-0"));
    let starts: Vec<_> = seen.logs_of("process started").collect();
    assert_eq!(starts.len(), 1);
    assert_eq!(
        (&starts[0]["instance"], &starts[0]["restarts"]),
        (&json!("reranker-0"), &json!(1))
    );
    assert_eq!(seen.left_open, 0);
}

#[test]
fn a_retry_goes_to_the_other_replica() {
    let mut topology = steady();
    topology.vector_db.shard_call.attempts = 2;
    topology.vector_db.shard_call.backoff_ms = 1.0;
    let ((), seen) = on(topology, |ground| async move {
        ground.instance("shard-0-0").crash(u64::MAX / 4);
        for number in 0..20 {
            let (status, body) = ground
                .ask(&format!("r-{number}"), &ground.query(number, 3))
                .await;
            assert_eq!(
                (status, &body["shards_answered"]),
                (200, &json!([0, 1, 2, 3]))
            );
        }
    });
    let mut retried = 0;
    for number in 0..20 {
        let trace = seen.trace_of(&format!("r-{number}"));
        let mut asked = calls(&trace, "shard");
        asked.retain(|call| call.attribute("server.instance").starts_with("shard-0-"));
        asked.sort_by_key(|call| call.start_us);
        match &asked[..] {
            [first] => assert_eq!(first.attribute("server.instance"), "shard-0-1"),
            [first, second] => {
                retried += 1;
                let to = |call: &Span| call.attribute("server.instance").to_owned();
                assert_eq!(
                    (to(first), first.error()),
                    ("shard-0-0".to_owned(), "UNAVAILABLE")
                );
                assert_eq!((to(second), second.error()), ("shard-0-1".to_owned(), ""));
                assert_eq!(second.attribute("rpc.retry.attempt"), "1");
                assert_eq!(first.attribute("rpc.retry.attempt"), "");
                let backed_off = trace.iter().any(|span| span.name == "retry.backoff");
                assert!(backed_off, "the wait between the attempts is in the trace");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(
        (4..=16).contains(&retried),
        "{retried} of 20 met the dead replica first"
    );
}

/// A system that holds each document once, without partition 2.
fn ask_without_a_partition(partial_results: bool) -> (Vec<(u16, serde_json::Value)>, Seen) {
    let mut topology = steady();
    topology.vector_db.replicas = 1;
    topology.vector_db.partial_results = partial_results;
    on(topology, |ground| async move {
        ground.instance("shard-2-0").crash(u64::MAX / 4);
        let mut answers = Vec::new();
        for number in 0..8 {
            answers.push(
                ground
                    .ask(&format!("r-{number}"), &ground.query(number, number))
                    .await,
            );
        }
        answers
    })
}

#[test]
fn a_lost_partition_leaves_partial_answers_that_say_so() {
    let (answers, seen) = ask_without_a_partition(true);
    for (status, body) in &answers {
        assert_eq!(
            (*status, &body["shards_answered"]),
            (200, &json!([0, 1, 3]))
        );
        assert_eq!(body["shards_queried"], 4);
        let contexts = body["contexts"].as_array().expect("a list");
        assert_eq!(contexts.len(), 4);
        let lost = contexts
            .iter()
            .filter(|one| one["document"].as_u64().expect("a number") % 4 == 2);
        assert_eq!(
            lost.count(),
            0,
            "a document of the lost partition was found"
        );
    }
    let searches = seen
        .spans
        .iter()
        .filter(|span| span.is(SpanKind::Server, "ragdoll.v1.VectorDb/Search"));
    for search in searches {
        assert_eq!(search.attribute("rag.shards.queried"), "4");
        assert_eq!(search.attribute("rag.shards.answered"), "3");
    }
}

#[test]
fn where_partial_answers_are_not_wanted_a_lost_partition_fails_the_query() {
    let (answers, _) = ask_without_a_partition(false);
    for (status, body) in answers {
        assert_eq!(
            (status, &body["error"]["type"]),
            (503, &json!("unavailable"))
        );
    }
}

/// A system that gives up after 300 ms on an LLM that takes two minutes for 4,000 tokens.
fn hasty() -> Topology {
    let mut topology = steady();
    topology.gateway.deadline_ms = 300.0;
    topology
}

#[test]
fn a_deadline_cancels_everything_behind_it() {
    let ((), seen) = on(hasty(), |ground| async move {
        let mut query = ground.query(5, 9);
        query.max_tokens = 4_000;
        let (status, body) = ground.ask("late", &query).await;
        assert_eq!((status, &body["error"]["type"]), (504, &json!("timeout")));
        assert_eq!(
            ground.clock.now_us() / MS,
            300,
            "300 ms, and the client's round trip"
        );
        ground.clock.sleep_us(2_000 * MS).await;
    });
    let trace = seen.trace_of("late");
    let cut: Vec<_> = trace
        .iter()
        .filter(|span| span.instance == "llm-0")
        .collect();
    assert!(
        cut.iter()
            .any(|span| span.kind == SpanKind::Server && span.error() == "CANCELLED")
    );
    assert!(
        cut.iter().any(|span| span.name == "gen_ai.decode"),
        "what it did is not lost"
    );
    assert_eq!(calls(&trace, "llm")[0].error(), "504");
    let gateway = trace
        .iter()
        .find(|span| span.is(SpanKind::Server, "POST /v1/query"));
    let gateway = gateway.expect("the gateway's span");
    assert_eq!((gateway.error(), gateway.length_us() / MS), ("504", 300));
    let last_us = trace.iter().map(|span| span.end_us).max();
    let root = trace
        .iter()
        .find(|span| span.parent.is_none())
        .expect("a root");
    assert_eq!(
        last_us,
        Some(root.end_us),
        "nothing goes on after the answer"
    );
    for gauge in [
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:kv_cache_usage_perc",
    ] {
        assert_eq!(seen.gauge("llm-0", gauge), 0.0, "{gauge}");
    }
    assert_eq!(seen.left_open, 0, "nothing is left running");
}

#[test]
fn the_deadline_holds_for_the_gateways_own_work_too() {
    let mut topology = hasty();
    topology.gateway.service_time = Dist::fixed(10_000.0);
    let ((), seen) = on(topology, |ground| async move {
        let (status, body) = ground.ask("late", &ground.query(5, 9)).await;
        assert_eq!((status, &body["error"]["type"]), (504, &json!("timeout")));
        assert_eq!(ground.clock.now_us() / MS, 300);
    });
    assert_eq!(seen.logs_of("query failed").count(), 1);
    assert_eq!(seen.left_open, 0);
}

#[test]
fn a_caller_that_gives_up_cancels_the_query() {
    let ((), seen) = on(slow_reranker(), |ground| async move {
        let mut context = RequestContext::new("impatient", "user-1");
        context.deadline_us = Some(200 * MS);
        let (status, _) = ground.ask_within(context, &ground.query(5, 9)).await;
        assert_eq!((status, ground.clock.now_us()), (504, 200 * MS));
        ground.clock.sleep_us(2_000 * MS).await;
    });
    let trace = seen.trace_of("impatient");
    let ends = |kind: SpanKind, name: &str| {
        let span = trace.iter().find(|span| span.is(kind.clone(), name));
        span.map(|span| span.error().to_owned())
            .unwrap_or_else(|| panic!("no {name}"))
    };
    let rerank = "ragdoll.v1.Reranker/Rerank";
    assert_eq!(ends(SpanKind::Client, "POST /v1/query"), "504");
    assert_eq!(ends(SpanKind::Server, "POST /v1/query"), "CANCELLED");
    assert_eq!(ends(SpanKind::Client, rerank), "CANCELLED");
    assert_eq!(ends(SpanKind::Server, rerank), "CANCELLED");
    assert_eq!(seen.gauge("reranker-0", "worker.utilization"), 0.0);
    assert_eq!(seen.left_open, 0);
}
