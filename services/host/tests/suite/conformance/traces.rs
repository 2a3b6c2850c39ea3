//! Traces and statuses of whole requests, over HTTP and gRPC.

use std::collections::{BTreeMap, BTreeSet};

use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::Value;

use super::{Shown, Stage, Subject, conform, small, together};
use crate::common::{json as body_of, steady};

pub(crate) const SHOWN: &[Shown] = &[
    (
        every_request_has_one_trace_that_crosses_every_call,
        &[Subject::Protocol("trace context")],
    ),
    (
        a_callers_own_trace_goes_on,
        &[
            Subject::Protocol("trace context"),
            Subject::Protocol("headers"),
        ],
    ),
    (
        a_question_that_is_none_is_refused,
        &[Subject::Protocol("status")],
    ),
    (
        the_default_system_answers,
        &[
            Subject::Protocol("trace context"),
            Subject::Protocol("connection"),
        ],
    ),
];

#[test]
fn every_request_has_one_trace_that_crosses_every_call() {
    const REQUESTS: u32 = 12;
    conform(
        &small(),
        &[],
        async |stage: Stage| together(&stage, REQUESTS).await,
        |outcome| {
            assert!(outcome.answer.iter().all(|(status, _)| *status == 200));
            outcome.assert_whole();
            let traces: BTreeSet<&str> =
                outcome.seen.spans.iter().map(|span| &*span.trace).collect();
            assert_eq!(traces.len(), REQUESTS as usize);
            let ids: BTreeSet<&str> = outcome.seen.spans.iter().map(|span| &*span.id).collect();
            assert_eq!(ids.len(), outcome.seen.spans.len(), "span ids are unique");
            let expected = BTreeMap::from([
                ("POST /v1/chat/completions", 1),
                ("POST /v1/query", 1),
                ("ragdoll.v1.Embedder/Embed", 1),
                ("ragdoll.v1.Metadata/Lookup", 1),
                ("ragdoll.v1.Reranker/Rerank", 1),
                ("ragdoll.v1.Shard/Query", 2),
                ("ragdoll.v1.VectorDb/Search", 1),
            ]);
            for number in 0..REQUESTS {
                let trace = outcome.seen.trace_of(&format!("r-{number}"));
                let mut calls: BTreeMap<&str, u32> = BTreeMap::new();
                for call in trace.iter().filter(|span| span.kind == SpanKind::Client) {
                    *calls.entry(&call.name).or_default() += 1;
                    let server = outcome.server_of(call).expect("somebody served the call");
                    assert!(server.is(SpanKind::Server, &call.name), "{server:#?}");
                    assert_eq!(server.instance, call.attribute("server.instance"));
                    assert!(call.start_us <= server.start_us && server.end_us <= call.end_us);
                    assert_eq!((call.error(), server.error()), ("", ""));
                }
                assert_eq!(calls, expected);
                let users: BTreeSet<&str> =
                    trace.iter().map(|span| span.attribute("user.id")).collect();
                assert!(users.len() <= 2, "no other user's than its own: {users:?}");
            }
            for line in &outcome.seen.logs {
                let request_id = line["request_id"].as_str().expect("every line has one");
                let trace = outcome.seen.trace_of(request_id);
                let span = trace.iter().find(|span| line["span_id"] == *span.id);
                let span = span.unwrap_or_else(|| panic!("{line} is of no span"));
                assert_eq!(
                    (&line["instance"], &line["trace_id"]),
                    (&Value::from(&*span.instance), &Value::from(&*span.trace))
                );
            }
            assert_eq!(
                outcome.seen.logs_of("query answered").count(),
                REQUESTS as usize
            );
        },
    );
}

#[test]
fn a_callers_own_trace_goes_on() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";
    conform(
        &small(),
        &[],
        async |stage: Stage| {
            let mut headers = http::HeaderMap::new();
            let traceparent = format!("00-{TRACE}-{SPAN}-01");
            headers.insert("traceparent", traceparent.parse().expect("printable"));
            let context = RequestContext::extract(&headers, stage.clock.now_us());
            stage.ask_within(context, &stage.query(1, 1)).await.0
        },
        |outcome| {
            assert_eq!(outcome.answer, 200);
            assert!(outcome.seen.spans.iter().all(|span| span.trace == TRACE));
            let entries = outcome.seen.spans.iter();
            let entries = entries.filter(|span| span.parent.as_deref() == Some(SPAN));
            let entries: Vec<_> = entries.collect();
            assert_eq!(entries.len(), 1);
            assert!(entries[0].is(SpanKind::Client, "POST /v1/query"));
            // Without a request id of its own, a request goes by its trace's, on all its way.
            let by_trace = |line: &Value| line["request_id"] == TRACE;
            assert!(!outcome.seen.logs.is_empty() && outcome.seen.logs.iter().all(by_trace));
        },
    );
}

#[test]
fn a_question_that_is_none_is_refused() {
    conform(
        &small(),
        &[],
        async |stage: Stage| {
            let mut answers = Vec::new();
            for body in [
                r#"{"query": " "}"#,
                r#"{"query": "a", "top_k": 0}"#,
                "{",
                "",
            ] {
                let context = RequestContext::new(format!("r-{}", answers.len()), "user-1");
                let response = stage.post("/v1/query", context, body.to_owned()).await;
                answers.push(body_of(response).await);
            }
            let context = RequestContext::new("lost", "user-1");
            let response = stage.post("/v1/nowhere", context, String::new()).await;
            (answers, response.status().as_u16())
        },
        |outcome| {
            let (answers, nowhere) = &outcome.answer;
            for (status, body) in answers {
                assert_eq!(*status, 400, "{body}");
                assert_eq!(body["error"]["type"], "invalid_request_error", "{body}");
            }
            assert_eq!(*nowhere, 404);
            // The caller's mistakes are the caller's: the server did what it should.
            let calls = outcome.calls("gateway").into_iter();
            let errors: Vec<&str> = calls.map(|call| call.error()).collect();
            assert_eq!(errors, ["400", "400", "400", "400", "404"]);
            let served = outcome.served("gateway-0");
            assert!(served.iter().all(|span| span.error().is_empty()));
            let statuses = served
                .iter()
                .map(|span| span.attribute("http.response.status_code"));
            assert_eq!(
                statuses.collect::<Vec<_>>(),
                ["400", "400", "400", "400", "404"]
            );
            outcome.assert_whole();
        },
    );
}

/// Eighteen instances and a corpus of the usual size give the same answer on both transports.
#[test]
fn the_default_system_answers() {
    let answers = std::cell::RefCell::new(Vec::new());
    let mut topology = steady();
    topology.llm.decode_base_ms = 2.0;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let (status, body) = stage.ask("r-0", &stage.query(5, 9)).await;
            assert_eq!(status, 200, "{body}");
            body
        },
        |outcome| {
            outcome.assert_whole();
            let mut answer = outcome.answer.clone();
            let timing = answer
                .as_object_mut()
                .and_then(|answer| answer.remove("timing"));
            assert!(timing.is_some());
            answers.borrow_mut().push(answer);
        },
    );
    let answers = answers.into_inner();
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        answers[0]["shards_answered"],
        serde_json::json!([0, 1, 2, 3])
    );
}
