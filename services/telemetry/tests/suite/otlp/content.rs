//! What arrives is what was said.

use opentelemetry_proto::tonic::common::v1::KeyValue as OtlpKeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as OtlpValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as PointValue;
use opentelemetry_proto::tonic::resource::v1::Resource;
use ragdoll_telemetry::tracing::subscriber::set_default;
use ragdoll_telemetry::{
    KeyValue, RequestContext, SpanContext, SpanKind, log, log_process, log_subscriber,
};

use super::receiver::{Place, Receiver};
use super::subject::{Depth, Subject, in_process};

fn plain(attributes: &[OtlpKeyValue]) -> Vec<(&str, OtlpValue)> {
    let value = |of: &OtlpKeyValue| of.value.clone().and_then(|any| any.value);
    let attributes = attributes.iter();
    attributes
        .map(|of| (of.key.as_str(), value(of).expect("every value is one")))
        .collect()
}

fn text(text: &str) -> OtlpValue {
    OtlpValue::StringValue(text.to_owned())
}

fn assert_names_the_process(resource: Option<&Resource>) {
    let resource = resource.expect("all that is sent says who speaks");
    let attributes = plain(&resource.attributes);
    let pid = OtlpValue::IntValue(std::process::id().into());
    for expected in [
        ("service.name", text("reranker")),
        ("service.instance.id", text("reranker-1")),
        ("process.pid", pid),
    ] {
        assert!(
            attributes.contains(&expected),
            "{expected:?}: {attributes:?}"
        );
    }
    assert!(attributes.iter().any(|(key, _)| *key == "host.name"));
}

#[test]
fn spans_arrive_as_they_were_recorded() {
    let place = Place::new();
    let subject = Subject::new(&place.endpoint());
    let receiver = Receiver::start(place);
    let telemetry = &subject.telemetry;
    let no_parent = SpanContext::empty_context();
    let start_us = subject.clock.now_us();
    let root = telemetry.start_at(start_us, "root", SpanKind::Server, &no_parent, Vec::new());
    let attributes = vec![KeyValue::new("a", 1), KeyValue::new("b", 0.5)];
    let mut call = telemetry.start("call", SpanKind::Client, root.context(), attributes);
    call.fail("UNAVAILABLE", "nobody there");
    let (root_context, call_context) = (root.context().clone(), call.context().clone());
    call.end();
    root.end_at(start_us + 1234);
    assert!(in_process(subject.export.drain()));

    let requests = receiver.traces();
    let resources: Vec<_> = requests
        .iter()
        .flat_map(|one| &one.resource_spans)
        .collect();
    for of in &resources {
        assert_names_the_process(of.resource.as_ref());
    }
    let scopes: Vec<_> = resources.iter().flat_map(|of| &of.scope_spans).collect();
    let scope = scopes[0].scope.as_ref().expect("a scope");
    assert_eq!(scope.name, "ragdoll");
    let spans: Vec<_> = scopes.iter().flat_map(|of| &of.spans).collect();
    let [call, root] = spans[..] else {
        panic!("two spans: {spans:?}")
    };
    assert_eq!((&*root.name, root.kind), ("root", 2));
    assert_eq!(root.trace_id, root_context.trace_id().to_bytes());
    assert_eq!(root.span_id, root_context.span_id().to_bytes());
    assert!(root.parent_span_id.is_empty());
    let start_ns = subject.clock.unix_us(start_us) * 1000;
    assert_eq!(root.start_time_unix_nano, start_ns);
    assert_eq!(root.end_time_unix_nano, start_ns + 1_234_000);
    assert_eq!((&*call.name, call.kind), ("call", 3));
    assert_eq!(call.span_id, call_context.span_id().to_bytes());
    assert_eq!(call.parent_span_id, root.span_id);
    assert_eq!(call.trace_id, root.trace_id);
    let status = call.status.as_ref().expect("a status");
    assert_eq!((status.code, &*status.message), (2, "nobody there"));
    let expected = [
        ("a", OtlpValue::IntValue(1)),
        ("b", OtlpValue::DoubleValue(0.5)),
        ("error.type", text("UNAVAILABLE")),
    ];
    assert_eq!(plain(&call.attributes), expected);
    assert_eq!(subject.export.lost_spans(), 0);
}

#[test]
fn log_lines_arrive_as_records() {
    let place = Place::new();
    let subject = Subject::new(&place.endpoint());
    let receiver = Receiver::start(place);
    let telemetry = &subject.telemetry;
    let logs = log_subscriber(subject.clock.clone(), subject.exporter.clone());
    let logs = set_default(logs);
    let no_parent = SpanContext::empty_context();
    let span = telemetry.start("work", SpanKind::Server, &no_parent, Vec::new());
    let context = RequestContext::new("17", "Zoë").within(span.context());
    let before_us = subject.clock.now_us();
    log!(
        info,
        telemetry,
        context,
        "documents retrieved",
        results = 5_u64,
        score = 2.0,
        query_hash = "a\\b\n",
        partial = false,
        offset = -3,
        ratio = f64::NAN,
    );
    log_process!(
        error,
        telemetry,
        "OutOfMemory: process killed",
        memory_bytes = 9_u64
    );
    let outside = RequestContext::new("18", "nobody");
    log!(warn, telemetry, outside, "memory low, reclaiming");
    let after_us = subject.clock.now_us();
    drop(logs);
    assert!(in_process(subject.export.drain()));

    let requests = receiver.logs();
    let resources: Vec<_> = requests.iter().flat_map(|one| &one.resource_logs).collect();
    for of in &resources {
        assert_names_the_process(of.resource.as_ref());
    }
    let scopes = resources.iter().flat_map(|of| &of.scope_logs);
    let records: Vec<_> = scopes.flat_map(|of| &of.log_records).collect();
    let [retrieved, killed, low] = records[..] else {
        panic!("three records: {records:?}")
    };
    for record in [retrieved, killed, low] {
        let unix_us = record.time_unix_nano / 1000;
        let during = subject.clock.unix_us(before_us)..=subject.clock.unix_us(after_us);
        assert!(during.contains(&unix_us), "{unix_us} is not in {during:?}");
    }
    let body = retrieved.body.clone().and_then(|body| body.value);
    assert_eq!(body, Some(text("documents retrieved")));
    assert_eq!(
        (retrieved.severity_number, &*retrieved.severity_text),
        (9, "INFO")
    );
    assert_eq!(retrieved.trace_id, span.context().trace_id().to_bytes());
    assert_eq!(retrieved.span_id, span.context().span_id().to_bytes());
    let expected = [
        ("request_id", text("17")),
        ("user_id", text("Zoë")),
        ("results", OtlpValue::IntValue(5)),
        ("score", OtlpValue::DoubleValue(2.0)),
        ("query_hash", text("a\\b\n")),
        ("partial", OtlpValue::BoolValue(false)),
        ("offset", OtlpValue::IntValue(-3)),
        ("ratio", text("")),
    ];
    assert_eq!(plain(&retrieved.attributes), expected);
    assert_eq!(
        (killed.severity_number, &*killed.severity_text),
        (17, "ERROR")
    );
    assert_eq!(
        plain(&killed.attributes),
        [("memory_bytes", OtlpValue::IntValue(9))]
    );
    assert!(killed.trace_id.is_empty() && low.trace_id.is_empty());
    assert_eq!((low.severity_number, &*low.severity_text), (13, "WARN"));
    assert_eq!(subject.export.lost_logs(), 0);
}

#[test]
fn every_sample_of_a_gauge_arrives_with_the_time_at_which_it_was_taken() {
    let place = Place::new();
    let subject = Subject::new(&place.endpoint());
    let receiver = Receiver::start(place);
    let depth = Depth::new();
    subject.telemetry.observe(&depth);
    let mut between_us = vec![subject.clock.now_us()];
    for _ in 0..3 {
        subject.telemetry.sample_gauges();
        between_us.push(subject.clock.now_us());
    }
    assert!(in_process(subject.export.drain()));

    let mut points = Vec::new();
    for of in receiver
        .metrics()
        .into_iter()
        .flat_map(|one| one.resource_metrics)
    {
        assert_names_the_process(of.resource.as_ref());
        for metric in of.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
            assert_eq!((&*metric.name, &*metric.unit), ("queue.depth", "1"));
            let Some(Data::Gauge(gauge)) = metric.data else {
                panic!("a gauge: {:?}", metric.data)
            };
            points.extend(gauge.data_points);
        }
    }
    assert_eq!(points.len(), 3);
    for ((point, value), between_us) in points
        .iter()
        .zip([4.0, 5.0, 6.0])
        .zip(between_us.windows(2))
    {
        assert_eq!(point.value, Some(PointValue::AsDouble(value)));
        let taken_us = point.time_unix_nano / 1000 - subject.clock.unix_us(0);
        assert!((between_us[0]..=between_us[1]).contains(&taken_us));
    }
    assert_eq!(subject.export.lost_samples(), 0);
}
