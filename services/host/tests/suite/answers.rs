//! A query is answered end to end, and its trace tells how.

use std::collections::{BTreeMap, BTreeSet};

use ragdoll_model::Topology;
use ragdoll_model::api::QueryResponse;
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::json;

use crate::common::seen::Span;
use crate::common::{json as body_of, on, steady};

const MS: u64 = 1000;

#[test]
fn an_answer_has_contexts_of_its_topic_usage_and_times_that_add_up() {
    on(steady(), |ground| async move {
        let corpus = ground.system.corpus.clone();
        let (query, topic) = (ground.query(5, 9), 9);
        let started_us = ground.clock.now_us();
        let (status, body) = ground.ask("r-1", &query).await;
        let latency_ms = (ground.clock.now_us() - started_us) as f64 / 1000.0;
        assert_eq!(status, 200, "{body}");
        let answer: QueryResponse = serde_json::from_value(body).expect("an answer");

        let returned: Vec<u32> = answer.contexts.iter().map(|one| one.document).collect();
        let exact = corpus.nearest(&corpus.embed(&query.query), 4);
        assert_eq!(returned, exact, "the nearest documents of the whole corpus");
        let documents = returned
            .iter()
            .map(|number| corpus.document(*number).expect("known"));
        let relevant = documents
            .clone()
            .filter(|document| document.topic == topic)
            .count();
        assert!(
            relevant >= 2,
            "{relevant} of 4 are of the query's topic, one of 32"
        );
        assert!(answer.contexts.is_sorted_by(|a, b| a.score >= b.score));
        assert_eq!(answer.shards_answered, [0, 1, 2, 3]);
        assert_eq!(answer.shards_queried, 4);
        assert!(answer.answer.starts_with(&query.query), "{}", answer.answer);

        let context_tokens: u32 = documents.map(|document| document.tokens).sum();
        assert_eq!(answer.usage.prompt_tokens, 50 + context_tokens);
        assert_eq!(answer.usage.completion_tokens, 8);
        assert_eq!(answer.usage.total_tokens, 58 + context_tokens);

        let timing = answer.timing;
        let steps_ms = timing.metadata_ms
            + timing.embedding_ms
            + timing.retrieval_ms
            + timing.rerank_ms
            + timing.generation_ms;
        let own_work_ms = 2.0;
        assert!(
            (timing.total_ms - steps_ms - own_work_ms).abs() < 1e-6,
            "{timing:?}"
        );
        // A round trip of 0.5 ms around the look-up's 2 ms, and around the batch's 8 ms. Bytes on
        // the wire take less than 0.1 ms.
        assert!((timing.metadata_ms - 2.5).abs() < 0.1, "{timing:?}");
        assert!((timing.embedding_ms - 8.5).abs() < 0.1, "{timing:?}");
        assert!((timing.retrieval_ms - 7.0).abs() < 0.1, "{timing:?}");
        assert!(
            (latency_ms - timing.total_ms - 0.5).abs() < 0.1,
            "{latency_ms} {timing:?}"
        );
        assert!(timing.time_to_first_token_ms < timing.generation_ms);
    });
}

#[test]
fn a_trace_has_one_root_and_a_server_span_for_every_client_span() {
    let ((), seen) = on(steady(), |ground| async move {
        let (status, body) = ground.ask("r-1", &ground.query(5, 9)).await;
        assert_eq!(status, 200, "{body}");
    });
    let trace = seen.trace_of("r-1");
    assert_eq!(
        trace.len(),
        seen.spans.len(),
        "every span belongs to the one request"
    );
    assert_eq!(seen.left_open, 0);

    let by_id: BTreeMap<&str, &Span> = trace.iter().map(|span| (&*span.id, *span)).collect();
    assert_eq!(by_id.len(), trace.len(), "span ids are unique");
    let roots: Vec<_> = trace.iter().filter(|span| span.parent.is_none()).collect();
    assert_eq!(roots.len(), 1);
    assert!(roots[0].is(SpanKind::Client, "POST /v1/query"));
    assert_eq!(roots[0].instance, "client-0");
    for span in trace.iter().filter(|span| span.parent.is_some()) {
        let parent = by_id[span.parent.as_deref().expect("filtered")];
        let within = parent.start_us <= span.start_us && span.end_us <= parent.end_us;
        assert!(within, "{span:?} is not within {parent:?}");
        assert_eq!(span.error(), "", "{span:?}");
        let crosses_instances = span.instance != parent.instance;
        assert_eq!(crosses_instances, span.kind == SpanKind::Server, "{span:?}");
    }

    let mut calls: BTreeMap<&str, u32> = BTreeMap::new();
    for call in trace.iter().filter(|span| span.kind == SpanKind::Client) {
        *calls.entry(&call.name).or_default() += 1;
        let mut served = trace
            .iter()
            .filter(|span| span.parent.as_ref() == Some(&call.id));
        let server = served.next().expect("somebody served the call");
        assert!(served.next().is_none(), "only one did");
        assert!(server.is(SpanKind::Server, &call.name), "{server:?}");
        assert_eq!(server.instance, call.attribute("server.instance"));
        assert!(
            server
                .instance
                .starts_with(call.attribute("server.address"))
        );
        // The wire takes 0.25 ms there and as long back, a little more for the bytes.
        let wire_us = call.length_us() - server.length_us();
        assert!(
            (500..600).contains(&wire_us),
            "{call:?}: {wire_us} us on the wire"
        );
    }
    let expected = BTreeMap::from([
        ("POST /v1/chat/completions", 1),
        ("POST /v1/query", 1),
        ("ragdoll.v1.Embedder/Embed", 1),
        ("ragdoll.v1.Metadata/Lookup", 1),
        ("ragdoll.v1.Reranker/Rerank", 1),
        ("ragdoll.v1.Shard/Query", 4),
        ("ragdoll.v1.VectorDb/Search", 1),
    ]);
    assert_eq!(calls, expected);
    let served = trace
        .iter()
        .filter(|span| span.kind == SpanKind::Server)
        .count();
    assert_eq!(served, 10, "and nobody served what was not asked");

    let names: BTreeSet<&str> = trace.iter().map(|span| &*span.name).collect();
    for resource in [
        "lock.hold",
        "fan_in.merge",
        "gen_ai.prefill",
        "gen_ai.decode",
    ] {
        assert!(names.contains(resource), "no {resource} in {names:?}");
    }
    for idle in ["queue.wait", "lock.wait", "pool.acquire"] {
        assert!(
            !names.contains(idle),
            "{idle} in a system that serves one request"
        );
    }
}

#[test]
fn spans_and_logs_say_what_the_documents_promise() {
    let ((), seen) = on(steady(), |ground| async move {
        ground.ask("r-1", &ground.query(5, 9)).await;
    });
    let trace = seen.trace_of("r-1");
    let of = |kind: SpanKind, name: &str| {
        let mut spans = trace.iter().filter(|span| span.is(kind.clone(), name));
        *spans.next().unwrap_or_else(|| panic!("no {name}"))
    };
    let query = of(SpanKind::Server, "POST /v1/query");
    assert_eq!(query.attribute("http.route"), "/v1/query");
    assert_eq!(query.attribute("http.response.status_code"), "200");
    assert_eq!(query.attribute("request.id"), "r-1");
    assert_eq!(query.attribute("user.id"), "user-1");
    assert_eq!(query.attribute("rag.top_k"), "4");
    let rerank = of(SpanKind::Client, "ragdoll.v1.Reranker/Rerank");
    assert_eq!(rerank.attribute("rag.documents.count"), "20");
    assert_eq!(rerank.attribute("rpc.response.status_code"), "OK");
    let search = of(SpanKind::Server, "ragdoll.v1.VectorDb/Search");
    assert_eq!(search.attribute("rag.shards.answered"), "4");
    assert_eq!(search.attribute("db.response.returned_rows"), "20");
    let chat = of(SpanKind::Server, "POST /v1/chat/completions");
    assert_eq!(chat.attribute("gen_ai.usage.output_tokens"), "8");
    assert_eq!(chat.attribute("gen_ai.latency.time_in_queue"), "0");

    let trace_id = &*trace[0].trace;
    let messages: BTreeSet<&str> = seen
        .logs
        .iter()
        .filter_map(|log| log["message"].as_str())
        .collect();
    let expected = [
        "completion generated",
        "documents reranked",
        "documents retrieved",
        "query answered",
    ];
    assert_eq!(messages, BTreeSet::from(expected));
    for line in &seen.logs {
        assert_eq!(line["trace_id"], trace_id, "{line}");
        assert_eq!(
            (&line["request_id"], &line["user_id"]),
            (&json!("r-1"), &json!("user-1"))
        );
        let span_id = line["span_id"].as_str().expect("text");
        assert!(trace.iter().any(|span| span.id == span_id), "{line}");
    }
}

#[test]
fn a_callers_own_trace_goes_on() {
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let ((), seen) = on(steady(), |ground| async move {
        let mut headers = http::HeaderMap::new();
        headers.insert("traceparent", traceparent.parse().expect("printable"));
        let context = RequestContext::extract(&headers, ground.clock.now_us());
        let (status, _) = ground.ask_within(context, &ground.query(5, 9)).await;
        assert_eq!(status, 200);
    });
    let (trace_id, span_id) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    assert!(seen.spans.iter().all(|span| span.trace == trace_id));
    let entries = seen
        .spans
        .iter()
        .filter(|span| span.parent.as_deref() == Some(span_id));
    let entries: Vec<_> = entries.collect();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].is(SpanKind::Client, "POST /v1/query"));
    // Without a request id of its own, a request goes by its trace's.
    assert_eq!(seen.logs[0]["request_id"], trace_id);
}

#[test]
fn bad_requests_are_refused_in_the_form_of_openais_errors() {
    on(steady(), |ground| async move {
        let refused = [
            (r#"{"query": " "}"#, "`query` is empty: ask something"),
            (
                r#"{"query": "a", "top_k": 0}"#,
                "`top_k` is 0: use 1 to 1000",
            ),
            (
                r#"{"query": "a", "top_k": 1001}"#,
                "`top_k` is 1001: use 1 to 1000",
            ),
            (r#"{"query": "a", "top_k": "four"}"#, "top_k"),
            (r#"{"question": "a"}"#, "query"),
            (r#"{"query": "#, "EOF"),
            ("", "EOF"),
        ];
        for (body, says) in refused {
            let context = RequestContext::new("r-1", "user-1");
            let response = ground.post("/v1/query", context, body.to_owned()).await;
            assert_eq!(
                response.headers()["content-type"],
                "application/json",
                "{body}"
            );
            let (status, answer) = body_of(response).await;
            assert_eq!(status, 400, "{body}: {answer}");
            let error = &answer["error"];
            assert_eq!(error["type"], "invalid_request_error", "{body}: {answer}");
            let message = error["message"].as_str().expect("a message");
            assert!(message.contains(says), "{body}: {message}");
        }
        assert_eq!(
            ground.clock.now_us() / MS,
            3,
            "seven round trips of 0.5 ms, and no work"
        );
    });
}

/// The same seed gives the same telemetry, another seed another.
#[test]
fn what_a_system_says_depends_on_its_seed_alone() {
    let text = || {
        let ((), seen) = on(Topology::default(), |ground| async move {
            for number in 0..3 {
                ground
                    .ask(&format!("r-{number}"), &ground.query(number, number))
                    .await;
            }
            ground.clock.sleep_us(2_000 * MS).await;
        });
        seen.text
    };
    let first = text();
    assert!(first.contains("worker.utilization"));
    assert_eq!(first, text());
}
