//! A document on its way into the index.

use ragdoll_model::Dist;
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::json;

use crate::common::seen::Span;
use crate::common::{json as body_of, on, post, steady};

const SECOND: u64 = 1_000_000;
/// A number past the corpus's.
const NEW: u32 = 5_000;

#[test]
fn a_document_that_was_sent_is_found_and_its_trace_crosses_the_queue() {
    let ((), seen) = on(steady(), |ground| async move {
        let query = ground.query(5, 9);
        let found_first = |body: &serde_json::Value| body["contexts"][0]["document"].clone();
        let (_, before) = ground.ask("before", &query).await;
        assert_ne!(found_first(&before), json!(NEW));

        let (status, body) = ground.send("d-1", NEW, &query.query).await;
        assert_eq!(
            (status, body),
            (202, json!({ "document": NEW, "queue_depth": 1 }))
        );
        ground.clock.sleep_us(SECOND).await;

        // Asked several times, since each partition's replicas take turns: both have it.
        for number in 0..8 {
            let (status, after) = ground.ask(&format!("after-{number}"), &query).await;
            assert_eq!((status, found_first(&after)), (200, json!(NEW)));
            let score = after["contexts"][0]["score"].as_f64().expect("a number");
            assert!(
                (score - 1.0).abs() < 1e-5,
                "its text is the query's: {score}"
            );
        }
    });
    let trace = seen.trace_of("d-1");
    let one = |kind: SpanKind, name: &str| -> &Span {
        let mut found = trace.iter().filter(|span| span.is(kind.clone(), name));
        let span = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "{name} twice");
        span
    };
    let lineage = [
        one(SpanKind::Client, "POST /v1/documents"),
        one(SpanKind::Server, "POST /v1/documents"),
        one(SpanKind::Producer, "send documents"),
        one(SpanKind::Consumer, "process documents"),
        one(SpanKind::Client, "ragdoll.v1.Embedder/Embed"),
        one(SpanKind::Server, "ragdoll.v1.Embedder/Embed"),
    ];
    for pair in lineage.windows(2) {
        assert_eq!(pair[1].parent.as_ref(), Some(&pair[0].id), "{pair:#?}");
    }
    let consumer = lineage[3];
    assert!(
        consumer.start_us >= lineage[2].end_us,
        "it is taken after it was put"
    );
    let mut written: Vec<&str> = trace
        .iter()
        .filter(|span| span.is(SpanKind::Server, "ragdoll.v1.Shard/Upsert"))
        .map(|span| &*span.instance)
        .collect();
    written.sort_unstable();
    assert_eq!(
        written,
        ["shard-0-0", "shard-0-1"],
        "every replica of partition 5000 mod 4"
    );
    let indexed: Vec<_> = seen.logs_of("document indexed").collect();
    assert_eq!(
        (indexed.len(), &indexed[0]["request_id"]),
        (1, &json!("d-1"))
    );
}

#[test]
fn a_full_queue_turns_documents_away() {
    let mut topology = steady();
    topology.ingest.queue_bound = 2;
    topology.ingest.service_time = Dist::fixed(5_000.0);
    let (statuses, seen) = on(topology, |ground| async move {
        let mut statuses = Vec::new();
        for number in 0..4 {
            let (status, body) = ground
                .send(&format!("d-{number}"), NEW + number, "text")
                .await;
            statuses.push((status, body["error"]["type"].clone()));
        }
        ground.clock.sleep_us(30 * SECOND).await;
        statuses
    });
    // One is being worked on, two wait.
    let accepted = (202, json!(null));
    let turned_away = (429, json!("overloaded"));
    assert_eq!(
        statuses,
        [accepted.clone(), accepted.clone(), accepted, turned_away]
    );
    assert_eq!(seen.logs_of("document indexed").count(), 3);
    assert_eq!(seen.gauge("ingest-api-0", "messaging.queue.depth"), 0.0);
    assert_eq!(seen.left_open, 0);
}

#[test]
fn a_document_that_cannot_be_written_is_logged_and_the_next_is_taken() {
    let ((), seen) = on(steady(), |ground| async move {
        ground.instance("shard-0-1").crash(SECOND);
        ground.send("lost", NEW, "text").await;
        ground.clock.sleep_us(2 * SECOND).await;
        ground.send("kept", NEW, "text").await;
        ground.clock.sleep_us(SECOND).await;
    });
    let failures: Vec<_> = seen.logs_of("document not indexed").collect();
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (&failures[0]["request_id"], &failures[0]["status"]),
        (&json!("lost"), &json!("UNAVAILABLE"))
    );
    let consumer = seen.trace_of("lost");
    let consumer = consumer
        .iter()
        .find(|span| span.kind == SpanKind::Consumer)
        .expect("taken");
    assert_eq!(consumer.error(), "UNAVAILABLE");
    assert_eq!(seen.logs_of("document indexed").count(), 1);
}

#[test]
fn a_document_that_is_none_is_refused_in_the_form_of_openais_errors() {
    on(steady(), |ground| async move {
        for body in [
            "",
            "[]",
            r#"{"document": -1, "text": ""}"#,
            r#"{"document": 1}"#,
        ] {
            let context = RequestContext::new("d-1", "writer");
            let ingest = ground.system.ingest.as_ref().expect("no graph");
            let response = post(ingest, "/v1/documents", context, body.to_owned()).await;
            let (status, answer) = body_of(response).await;
            assert_eq!(status, 400, "{body}: {answer}");
            assert_eq!(answer["error"]["type"], "invalid_request_error", "{body}");
        }
    });
}
