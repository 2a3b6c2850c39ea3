//! From what an instance does to what its collector gets.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, UNIX_EPOCH};

use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Clock, Streams, run_virtual};
use ragdoll_telemetry::metrics::QUEUE_DEPTH;
use ragdoll_telemetry::tracing::subscriber::set_default;
use ragdoll_telemetry::{
    Batch, Exporter, Gauge, KeyValue, Observe, RequestContext, SpanContext, SpanKind, Telemetry,
    log, log_process, log_subscriber, tracing,
};

fn telemetry(clock: &Clock, seed: u64) -> (Telemetry, Exporter, Receiver<Batch>) {
    let instance = InstanceId::new(Service::RERANKER, 1);
    let random = Streams::new(seed).stream(instance.name());
    let (exporter, batches) = Exporter::channel();
    let telemetry = Telemetry::new(clock.clone(), instance, 3, random, exporter.clone());
    (telemetry, exporter, batches)
}

fn take(exporter: &Exporter, batches: &Receiver<Batch>) -> Batch {
    exporter.flush();
    batches.try_recv().unwrap_or_default()
}

fn names(batch: &Batch) -> Vec<&str> {
    let spans = batch.spans.iter();
    spans.map(|span| span.data.name.as_ref()).collect()
}

fn no_parent() -> SpanContext {
    SpanContext::empty_context()
}

/// Start and end of a span, in microseconds of the run.
fn interval_us(clock: &Clock, span: &SpanData) -> (u64, u64) {
    let of_run = |time: std::time::SystemTime| {
        let unix = time.duration_since(UNIX_EPOCH).expect("after 1970");
        unix.as_micros() as u64 - clock.unix_us(0)
    };
    (of_run(span.start_time), of_run(span.end_time))
}

#[test]
fn a_span_has_its_instance_its_parent_and_the_clocks_time() {
    run_virtual(|clock| async move {
        let (telemetry, exporter, batches) = telemetry(&clock, 1);
        let root = telemetry.start("root", SpanKind::Server, &no_parent(), Vec::new());
        clock.sleep_us(7).await;
        let attributes = vec![KeyValue::new("a", 1)];
        let mut child = telemetry.start("child", SpanKind::Client, root.context(), attributes);
        clock.sleep_us(5).await;
        child.set("b", "two");
        child.end();
        telemetry.interval("wait", root.context(), 2, Vec::new());
        root.end();
        let batch = take(&exporter, &batches);
        assert_eq!(names(&batch), ["child", "wait", "root"]);
        let [child, wait, root] = &batch.spans[..] else {
            panic!("three spans")
        };
        assert_eq!(
            (child.instance, &child.data.span_kind),
            (3, &SpanKind::Client)
        );
        assert_eq!(interval_us(&clock, &child.data), (7, 12));
        assert_eq!(interval_us(&clock, &wait.data), (2, 12));
        for part in [child, wait] {
            assert_eq!(part.data.parent_span_id, root.data.span_context.span_id());
            let trace_id = part.data.span_context.trace_id();
            assert_eq!(trace_id, root.data.span_context.trace_id());
        }
        let attributes = [KeyValue::new("a", 1), KeyValue::new("b", "two")];
        assert_eq!(child.data.attributes, attributes);
        assert_eq!(child.data.status, Status::Unset);
    });
}

#[test]
fn a_span_whose_caller_gives_up_ends_then_as_cancelled() {
    run_virtual(|clock| async move {
        let (telemetry, exporter, batches) = telemetry(&clock, 1);
        let work = async {
            let _span = telemetry.start("work", SpanKind::Server, &no_parent(), Vec::new());
            clock.sleep_us(1000).await;
        };
        assert!(clock.timeout_us(40, work).await.is_err());
        clock.sleep_us(10).await;
        let batch = take(&exporter, &batches);
        let span = &batch.spans[0].data;
        assert_eq!(interval_us(&clock, span), (0, 40));
        assert_eq!(span.status, Status::error("the caller gave up"));
        assert_eq!(span.attributes, [KeyValue::new("error.type", "CANCELLED")]);
    });
}

#[test]
fn a_death_loses_the_spans_open_at_that_moment_and_no_others() {
    run_virtual(|clock| async move {
        let (telemetry, exporter, batches) = telemetry(&clock, 1);
        let start =
            |name: &'static str| telemetry.start(name, SpanKind::Server, &no_parent(), Vec::new());
        let before = start("before");
        let early = start("early");
        clock.sleep_us(10).await;
        before.end();
        let just_opened = start("just opened");
        let just_closed = start("just closed");
        just_closed.end();
        telemetry.lose_open_spans();
        drop(early);
        clock.sleep_us(10).await;
        just_opened.end();
        telemetry.interval("wait through the death", &no_parent(), 5, Vec::new());
        start("after").end();
        telemetry.interval("wait after the death", &no_parent(), 15, Vec::new());
        let expected = ["before", "just closed", "after", "wait after the death"];
        assert_eq!(names(&take(&exporter, &batches)), expected);
    });
}

#[test]
fn ids_follow_from_the_seed_and_none_comes_twice() {
    let ids = |seed| {
        run_virtual(|clock| async move {
            let (telemetry, exporter, batches) = telemetry(&clock, seed);
            for _ in 0..2000 {
                telemetry
                    .start("span", SpanKind::Server, &no_parent(), Vec::new())
                    .end();
            }
            let spans = take(&exporter, &batches).spans.into_iter();
            spans
                .map(|span| {
                    let context = span.data.span_context;
                    (
                        context.trace_id().to_string(),
                        context.span_id().to_string(),
                    )
                })
                .collect::<Vec<_>>()
        })
    };
    let first = ids(1);
    assert_eq!(first, ids(1));
    let mut traces = BTreeSet::new();
    let mut spans = BTreeSet::new();
    for (trace, span) in first.into_iter().chain(ids(2)) {
        assert!(traces.insert(trace), "a trace id came twice");
        assert!(spans.insert(span), "a span id came twice");
    }
}

#[test]
fn a_collector_that_is_gone_costs_spans_that_are_counted() {
    run_virtual(|clock| async move {
        let (telemetry, exporter, batches) = telemetry(&clock, 1);
        let span = || {
            telemetry
                .start("span", SpanKind::Server, &no_parent(), Vec::new())
                .end();
        };
        span();
        exporter.flush();
        assert_eq!(exporter.lost_spans(), 0);
        drop(batches);
        span();
        span();
        exporter.flush();
        assert_eq!(exporter.lost_spans(), 2);
    });
}

struct Depth(f64);

impl Observe for Depth {
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        report(QUEUE_DEPTH, self.0);
    }
}

#[test]
fn gauges_are_sampled_for_as_long_as_what_they_show_exists() {
    run_virtual(|clock| async move {
        let (telemetry, exporter, batches) = telemetry(&clock, 1);
        let (kept, dropped) = (Arc::new(Depth(4.0)), Arc::new(Depth(5.0)));
        telemetry.observe(&dropped);
        telemetry.observe(&kept);
        drop(dropped);
        clock.sleep_us(1_000_000).await;
        telemetry.sample_gauges();
        let samples = take(&exporter, &batches).metrics;
        let [sample] = samples[..] else {
            panic!("one sample: {samples:?}")
        };
        assert_eq!((sample.instance, sample.gauge), (3, QUEUE_DEPTH));
        assert_eq!(
            (sample.unix_us, sample.value),
            (clock.unix_us(1_000_000), 4.0)
        );
    });
}

/// Log lines of every kind, and some that must not appear.
async fn write_logs(clock: &Clock, telemetry: &Telemetry) {
    clock.sleep_us(1_250_007).await;
    let span = telemetry.start("work", SpanKind::Server, &no_parent(), Vec::new());
    let context = RequestContext::new("17", "user \"3\"\n").within(span.context());
    log!(
        info,
        telemetry,
        context,
        "documents retrieved",
        results = 5_u64,
        score = 0.25,
        query_hash = "a\\b\t\u{1}é",
        partial = false,
        offset = -3,
        ratio = f64::NAN,
    );
    log!(warn, telemetry, context, "memory low, reclaiming");
    log_process!(
        error,
        telemetry,
        "OutOfMemory: process killed",
        memory_bytes = 9_u64
    );
    log!(debug, telemetry, context, "too much detail");
    tracing::info!("from another crate");
    tracing::error!(target: "ragdoll::other", "not quite our target");
    span.end();
}

#[test]
fn log_lines_are_json_with_the_fields_a_reader_looks_for_first() {
    run_virtual(|clock| async move {
        let (telemetry, exporter, batches) = telemetry(&clock, 1);
        let _logs = set_default(log_subscriber(clock.clone(), exporter.clone()));
        write_logs(&clock, &telemetry).await;
        let logs = String::from_utf8(take(&exporter, &batches).logs).expect("UTF-8");
        for line in logs.lines() {
            let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert!(value.is_object());
        }
        insta::assert_snapshot!(logs);
    });
}

#[test]
fn two_runs_say_the_same_to_the_byte() {
    let run = |seed| {
        run_virtual(|clock| async move {
            let (telemetry, exporter, batches) = telemetry(&clock, seed);
            let _logs = set_default(log_subscriber(clock.clone(), exporter.clone()));
            let depth = Arc::new(Depth(4.0));
            telemetry.observe(&depth);
            write_logs(&clock, &telemetry).await;
            let work = async {
                let _span = telemetry.start("cut", SpanKind::Server, &no_parent(), Vec::new());
                clock.sleep_us(1000).await;
            };
            let cut = clock.timeout_us(40, work).await;
            cut.expect_err("too slow");
            telemetry.sample_gauges();
            let batch = take(&exporter, &batches);
            assert_eq!((batch.spans.len(), batch.metrics.len()), (2, 1));
            format!("{batch:?}")
        })
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
}

#[test]
fn a_batch_that_is_full_is_sent_by_itself() {
    run_virtual(|clock| async move {
        let (telemetry, exporter, batches) = telemetry(&clock, 1);
        exporter.flush();
        let none = batches.recv_timeout(Duration::ZERO);
        assert!(none.is_err(), "nothing said is nothing sent");
        let mut said = 0;
        let sent = loop {
            telemetry
                .start("span", SpanKind::Server, &no_parent(), Vec::new())
                .end();
            said += 1;
            assert!(said < 100_000, "nothing is sent without a flush");
            if let Ok(batch) = batches.try_recv() {
                break batch.spans.len();
            }
        };
        assert_eq!((sent, take(&exporter, &batches).spans.len()), (said, 0));
    });
}
