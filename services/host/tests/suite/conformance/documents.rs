//! A document's way into the index, across the queue between two services.

use ragdoll_model::Dist;
use ragdoll_telemetry::SpanKind;
use serde_json::json;

use super::{Shown, Stage, Subject, conform, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_document_crosses_the_queue_within_its_trace_and_is_found,
        &[
            Subject::Protocol("queue"),
            Subject::Protocol("trace context"),
        ],
    ),
    (
        a_full_queue_turns_documents_away,
        &[Subject::Protocol("queue"), Subject::Protocol("status")],
    ),
];

/// A number past the corpus's.
const NEW: u32 = 5_000;

#[test]
fn a_document_crosses_the_queue_within_its_trace_and_is_found() {
    let mut topology = small();
    topology.vector_db.replicas = 2;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let query = stage.query(1, 1);
            let sent = stage.send("d-1", NEW, &query.query).await;
            stage
                .until(|seen| seen.logs_of("document indexed").next().is_some())
                .await;
            let (_, after) = stage.ask("after", &query).await;
            (sent, after["contexts"][0]["document"].clone())
        },
        |outcome| {
            let ((status, sent), found) = &outcome.answer;
            assert_eq!((*status, &sent["document"]), (202, &json!(NEW)));
            assert_eq!(*found, json!(NEW));
            let trace = outcome.seen.trace_of("d-1");
            let one = |kind: SpanKind, name: &str| {
                let mut found = trace.iter().filter(|span| span.is(kind.clone(), name));
                let span = found.next().unwrap_or_else(|| panic!("no {name}"));
                assert!(found.next().is_none(), "{name} twice");
                *span
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
            assert!(lineage[2].end_us <= lineage[3].start_us);
            let is_written = |span: &&&crate::common::seen::Span| {
                span.is(SpanKind::Server, "ragdoll.v1.Shard/Upsert")
            };
            let written = trace.iter().filter(is_written);
            let mut written: Vec<&str> = written.map(|span| &*span.instance).collect();
            written.sort_unstable();
            assert_eq!(written, ["shard-0-0", "shard-0-1"]);
            let indexed = outcome
                .seen
                .logs_of("document indexed")
                .next()
                .expect("just seen");
            assert_eq!(indexed["request_id"], "d-1");
            assert_eq!(indexed["trace_id"], *trace[0].trace);
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_full_queue_turns_documents_away() {
    let mut topology = small();
    topology.ingest.queue_bound = 2;
    topology.ingest.service_time = Dist::fixed(250.0);
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            let mut statuses = vec![stage.send("d-0", NEW, "text").await.0];
            stage
                .until_gauge("ingest-api-0", "messaging.queue.depth", 0.0)
                .await;
            for number in 1..4 {
                let request_id = format!("d-{number}");
                statuses.push(stage.send(&request_id, NEW + number, "text").await.0);
            }
            stage
                .until(|seen| seen.logs_of("document indexed").count() == 3)
                .await;
            statuses
        },
        |outcome| {
            // One is being worked on, two wait.
            assert_eq!(outcome.answer, [202, 202, 202, 429]);
            assert_eq!(outcome.seen.logs_of("document indexed").count(), 3);
            let calls = outcome.calls("ingest-api");
            assert_eq!(calls[3].error(), "429");
            let puts = outcome.spans("ingest-api-0", "send documents");
            let errors: Vec<&str> = puts.iter().map(|put| put.error()).collect();
            assert_eq!(errors, ["", "", "", "queue_full"]);
            assert_eq!(
                outcome.spans("ingest-worker-0", "process documents").len(),
                3
            );
            outcome.assert_whole();
        },
    );
}
