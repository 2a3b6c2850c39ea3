//! A document on its way into the index.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{Dist, Service};
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::json;

use crate::common::seen::{Seen, Span};
use crate::common::{json as body_of, on, on_with, post, steady};

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

/// Three documents, one at once, one while the worker has trouble from 0.1 s to 2 s, one afterwards: the request
/// ids of those that were indexed by 1.9 s, and of all.
fn worker_with(kind: &str, params: serde_json::Value) -> (Vec<String>, Vec<String>, Seen) {
    let mut topology = steady();
    topology.ingest.workers = 1;
    topology.ingest.service_time = Dist::fixed(200.0);
    let fault = Planned {
        spec: FaultSpec::new(kind, Target::service(Service::INGEST_WORKER), params),
        start_us: SECOND / 10,
        stop_us: 2 * SECOND,
    };
    let ((), seen) = on_with(topology, vec![fault], |ground| async move {
        ground.send("at-work", NEW, "one").await;
        ground.clock.sleep_until_us(SECOND).await;
        ground.send("meanwhile", NEW + 1, "two").await;
        ground.clock.sleep_until_us(5 * SECOND).await;
        ground.send("after", NEW + 2, "three").await;
        ground.clock.sleep_until_us(7 * SECOND).await;
    });
    let consumers = seen.spans.iter();
    let consumers = consumers.filter(|span| span.is(SpanKind::Consumer, "process documents"));
    let begun = seen
        .trace_of("at-work")
        .into_iter()
        .map(|span| span.start_us);
    let start_us = begun.min().expect("its root");
    let ids = |before_us: u64| {
        let within = consumers
            .clone()
            .filter(|span| span.end_us < start_us + before_us);
        let mut ids: Vec<String> = within.map(|span| id_of(&seen, span)).collect();
        ids.sort();
        ids
    };
    let (early, all) = (ids(1_900_000), ids(u64::MAX / 2));
    (early, all, seen)
}

fn id_of(seen: &Seen, span: &Span) -> String {
    let trace = seen.spans_of(&span.trace).into_iter();
    let ids = trace.map(|span| span.attribute("request.id").to_owned());
    ids.max().expect("a root with an id")
}

#[test]
fn a_worker_that_is_killed_loses_its_document_and_takes_the_waiting_one_when_it_is_back() {
    let (early, all, seen) = worker_with("crash", json!({}));
    assert_eq!(
        (early.len(), all),
        (0, vec!["after".to_owned(), "meanwhile".to_owned()])
    );
    let starts: Vec<_> = seen.logs_of("process started").collect();
    assert_eq!(
        (starts.len(), &starts[0]["instance"]),
        (1, &json!("ingest-worker-0"))
    );
    assert_eq!(seen.left_open, 0);
}

#[test]
fn a_worker_that_stands_still_goes_on_where_it_was() {
    for (kind, params) in [
        ("hang", json!({})),
        (
            "gc_pause",
            json!({ "pause_ms": 1_850.0, "every_ms": 1_900.0 }),
        ),
    ] {
        let (early, all, _) = worker_with(kind, params);
        assert_eq!(
            (early.len(), all.len()),
            (0, 3),
            "{kind}: {early:?}, {all:?}"
        );
    }
}

#[test]
fn a_worker_whose_processor_others_use_takes_longer() {
    let noise = json!({ "stolen": 0.9, "burst_ms": 1_800.0, "every_ms": 1_900.0 });
    let (early, all, seen) = worker_with("noisy_neighbour", noise);
    assert_eq!(all.len(), 3);
    assert_eq!(early, ["at-work"], "it was begun before");
    let trace = seen.trace_of("meanwhile");
    let consumer = trace.iter().find(|span| span.kind == SpanKind::Consumer);
    let consumer = consumer.expect("taken");
    assert!(consumer.end_us - consumer.start_us > 2 * SECOND);
}

#[test]
fn a_worker_whose_clock_is_wrong_says_so_with_its_spans() {
    let (_, _, seen) = worker_with("clock_skew", json!({ "clock_skew_us": 60_000_000 }));
    let trace = seen.trace_of("meanwhile");
    let of = |kind: SpanKind| trace.iter().find(|span| span.kind == kind).expect("one");
    let late_us = of(SpanKind::Consumer).start_us - of(SpanKind::Producer).end_us;
    assert!((59 * SECOND..61 * SECOND).contains(&late_us), "{late_us}");
}
