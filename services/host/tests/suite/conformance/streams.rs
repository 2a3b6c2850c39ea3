//! The LLM's answers as server-sent events.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use ragdoll_model::{Service, topology};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxService, Request, Response};
use ragdoll_stubs::llm;
use ragdoll_telemetry::SpanKind;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::stage::PATIENCE_US;
use super::{Line, MS, Shown, Subject, converse};
use crate::common::{Seen, post};

pub(crate) const SHOWN: &[Shown] = &[
    (
        tokens_arrive_as_they_are_generated,
        &[Subject::Protocol("streaming")],
    ),
    (
        a_reader_that_goes_away_stops_the_generation,
        &[
            Subject::Protocol("streaming"),
            Subject::Protocol("cancellation"),
        ],
    ),
    (
        a_death_cuts_the_stream,
        &[
            Subject::Protocol("streaming"),
            Subject::Protocol("connection"),
        ],
    ),
    (
        a_stream_stands_still_with_its_process,
        &[Subject::Protocol("streaming"), Subject::on_service("hang")],
    ),
];

/// An engine that takes 10 ms a token.
fn engine(instance: &Arc<Instance>) -> BoxService {
    let spec = topology::Llm {
        decode_base_ms: 10.0,
        decode_per_seq_ms: 0.0,
        prefill_per_token_ms: 0.0,
        ..topology::Llm::default()
    };
    let router = llm::router(instance, &spec);
    BoxService::new(ServiceExt::<Request>::map_response(
        router,
        |response: axum::response::Response| response.map(Body::new),
    ))
}

async fn ask(line: &Line, max_tokens: u32) -> Response {
    let body = json!({
        "messages": [{ "role": "user", "content": "why is it slow" }],
        "max_tokens": max_tokens,
        "stream": true,
    });
    let context = line.context("r-1");
    post(
        &line.client,
        "/v1/chat/completions",
        context,
        body.to_string(),
    )
    .await
}

/// The events of the next frame; `None` after the last, an error where the stream was cut.
async fn next_events(line: &Line, body: &mut Body) -> Option<Result<Vec<String>, String>> {
    let frame = line.clock.timeout_us(PATIENCE_US, body.frame()).await;
    let frame = match frame.expect("a frame in time")? {
        Ok(frame) => frame,
        Err(status) => return Some(Err(status.to_string())),
    };
    let Ok(data) = frame.into_data() else {
        return Some(Ok(Vec::new()));
    };
    let text = String::from_utf8(data.to_vec()).expect("UTF-8");
    let events = text.split_terminator("\n\n").map(|event| {
        let data = event.strip_prefix("data: ");
        data.unwrap_or_else(|| panic!("not an event: {event:?}"))
            .to_owned()
    });
    Some(Ok(events.collect()))
}

/// Every event until the end of the stream or its cut, and whether it was cut.
async fn rest(line: &Line, body: &mut Body) -> (Vec<String>, bool) {
    let mut all = Vec::new();
    while let Some(events) = next_events(line, body).await {
        match events {
            Ok(events) => all.extend(events),
            Err(_) => return (all, true),
        }
    }
    (all, false)
}

fn served(seen: &Seen) -> Vec<&crate::common::seen::Span> {
    let spans = seen.spans.iter();
    spans.filter(|span| span.kind == SpanKind::Server).collect()
}

#[test]
fn tokens_arrive_as_they_are_generated() {
    converse(
        Service::LLM,
        engine,
        async |line: Line| {
            let response = ask(&line, 30).await;
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["content-type"], "text/event-stream");
            let mut body = response.into_body();
            let first = next_events(&line, &mut body)
                .await
                .expect("a token")
                .expect("whole");
            let over_at_first = served(&line.seen()).len();
            let (others, was_cut) = rest(&line, &mut body).await;
            line.until(|| !served(&line.seen()).is_empty()).await;
            ([first, others].concat(), over_at_first, was_cut)
        },
        |outcome| {
            let (events, over_at_first, was_cut) = &outcome.answer;
            assert_eq!(
                *over_at_first, 0,
                "the first came while the others were generated"
            );
            assert!(!was_cut);
            assert_eq!(events.len(), 31);
            assert_eq!(events[30], "[DONE]");
            for (number, data) in events[..30].iter().enumerate() {
                let chunk: Value = serde_json::from_str(data).expect("a chunk");
                assert_eq!(chunk["id"], "chatcmpl-r-1");
                let delta = &chunk["choices"][0]["delta"]["content"];
                assert_eq!(*delta, json!(format!("token{} ", number + 1)));
            }
            let server = outcome.the_served("llm-0");
            assert_eq!(server.error(), "");
            // The first of 30 tokens is the prompt's.
            outcome.assert_took(
                "the stream",
                server.length_us(),
                29 * 10 * MS + first_us(outcome.is_exact()),
            );
        },
    );
}

/// An iteration takes a microsecond at least, and the prompt's is one.
fn first_us(exact: bool) -> u64 {
    u64::from(exact)
}

#[test]
fn a_reader_that_goes_away_stops_the_generation() {
    converse(
        Service::LLM,
        engine,
        async |line: Line| {
            let mut body = ask(&line, 100_000).await.into_body();
            let first = next_events(&line, &mut body).await;
            assert!(matches!(first, Some(Ok(_))), "{first:?}");
            drop(body);
            line.until(|| !served(&line.seen()).is_empty()).await;
            let running = || {
                line.callee.telemetry.sample_gauges();
                line.seen().gauge("llm-0", "vllm:num_requests_running")
            };
            line.until(|| running() == 0.0).await;
            running()
        },
        |outcome| {
            assert_eq!(outcome.answer, 0.0);
            assert_eq!(outcome.the_served("llm-0").error(), "CANCELLED");
        },
    );
}

#[test]
fn a_death_cuts_the_stream() {
    converse(
        Service::LLM,
        engine,
        async |line: Line| {
            let mut body = ask(&line, 100_000).await.into_body();
            let first = next_events(&line, &mut body).await;
            assert!(matches!(first, Some(Ok(_))), "{first:?}");
            line.kill();
            rest(&line, &mut body).await.1
        },
        |outcome| {
            assert!(outcome.answer, "an end is not what a cut looks like");
            assert!(outcome.served("llm-0").is_empty(), "its spans are lost");
        },
    );
}

#[test]
fn a_stream_stands_still_with_its_process() {
    converse(
        Service::LLM,
        engine,
        async |line: Line| {
            let mut body = ask(&line, 20).await.into_body();
            let first = next_events(&line, &mut body).await;
            assert!(matches!(first, Some(Ok(_))), "{first:?}");
            let stopped_us = line.clock.now_us();
            line.stand_still(100 * MS).await;
            let (events, was_cut) = rest(&line, &mut body).await;
            assert!(!was_cut);
            (events.len(), line.clock.now_us() - stopped_us)
        },
        |outcome| {
            let (later, lasted_us) = outcome.answer;
            assert!(later >= 2, "{later} events");
            assert!(lasted_us >= 100 * MS, "{lasted_us} us");
        },
    );
}
