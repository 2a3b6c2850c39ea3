//! What is written is read back as it was, and is what OTLP's own types accept.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as OtlpValue;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ragdoll_trace::{
    Attribute, Link, MetricPoint, Observations, OtlpJsonWriter, STATUS_MESSAGE, Span, SpanKind,
    Status, TraceSet, Value,
};

use crate::common;

const START_NS: u64 = 1_700_000_000_000_000_000;

/// Two services, every kind of value, a link, an error, and text that needs escapes.
fn example() -> TraceSet {
    let mut set = TraceSet::new();
    let gateway = set.resource("gateway", "gateway-0");
    let llm = set.resource("llm", "");
    let key = set.intern("request.id");
    let text = Value::Str(set.intern("tab\t quote\" back\\slash \u{1} é 🦀"));
    let nested = Attribute::new(set.intern("inner"), Value::Bool(true));
    let values = vec![
        text,
        Value::Int(i64::MIN),
        Value::Float(0.1),
        Value::Bool(false),
        Value::Bytes(Box::new(vec![0, 255, 7])),
        Value::List(Box::new(vec![Value::Int(1), Value::Float(2.0)])),
        Value::Map(Box::new(vec![nested])),
    ];
    let attributes = values
        .into_iter()
        .map(|value| Attribute::new(key, value))
        .collect();
    let name = set.intern("POST /v1/query");
    let root = Span {
        trace_id: 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c,
        span_id: 0xb7ad_6b71_6920_3331,
        parent_id: None,
        start_ns: START_NS,
        end_ns: START_NS + 1,
        attributes,
        links: Box::new([Link {
            trace_id: 1,
            span_id: 2,
            attributes: Box::new([Attribute::new(key, Value::Int(3))]),
        }]),
        resource: gateway,
        name,
        kind: SpanKind::Server,
        status: Status::Error,
    };
    let child = Span {
        span_id: 5,
        parent_id: std::num::NonZeroU64::new(root.span_id),
        attributes: Box::default(),
        links: Box::default(),
        resource: llm,
        kind: SpanKind::Client,
        status: Status::Unset,
        ..root.clone()
    };
    set.push(child);
    set.push(root);
    set
}

fn write(set: &TraceSet) -> String {
    let mut out = Vec::new();
    OtlpJsonWriter::new().write_batch(&mut out, set, 0..set.spans().len());
    String::from_utf8(out).expect("JSON is UTF-8")
}

/// What a batch holds, of which nothing is left out or put right.
fn read_all(text: &[u8]) -> Observations {
    let (seen, report) = common::read(text);
    assert_eq!(report.notes(), [""; 0]);
    seen
}

/// A set with the spans in the order in which a batch lists them.
fn read(text: &str) -> TraceSet {
    read_all(text.as_bytes()).traces
}

#[test]
fn a_batch_is_one_line_with_resources_in_the_order_of_their_ids() {
    let line = write(&example());
    assert_eq!(line.lines().count(), 1);
    let at = |text: &str| {
        line.find(text)
            .unwrap_or_else(|| panic!("{text} in {line}"))
    };
    assert!(at("\"gateway-0\"") < at("\"llm\""));
    assert!(
        line.contains("\"startTimeUnixNano\":\"1700000000000000000\""),
        "{line}"
    );
    assert!(
        line.contains("{\"intValue\":\"-9223372036854775808\"}"),
        "{line}"
    );
}

#[test]
fn what_is_written_is_read_back() {
    let written = example();
    let read = read(&write(&written));
    assert_eq!(read.spans().len(), 2);
    let (root, child) = (&read.spans()[0], &read.spans()[1]);
    let (expected_child, expected_root) = (&written.spans()[0], &written.spans()[1]);
    assert_eq!(root.trace_id, expected_root.trace_id);
    assert_eq!((root.kind, root.status), (SpanKind::Server, Status::Error));
    assert_eq!(child.parent_id, expected_child.parent_id);
    assert_eq!(read.text(child.name), "POST /v1/query");
    assert_eq!(
        (read.service(child.resource), read.instance(child.resource)),
        ("llm", "")
    );
    let words = |set: &TraceSet, span: &Span| -> Vec<String> {
        let values = span.attributes.iter();
        values
            .map(|attribute| set.display(&attribute.value).into_owned())
            .collect()
    };
    assert_eq!(words(&read, root), words(&written, expected_root));
    assert_eq!(root.links.len(), 1);
    assert_eq!(write(&read), write(&read_again(&read)));
}

fn read_again(set: &TraceSet) -> TraceSet {
    read(&write(set))
}

#[test]
fn opentelemetrys_own_types_accept_a_batch() {
    let line = write(&example());
    let request: ExportTraceServiceRequest = serde_json::from_str(&line).expect(&line);
    let spans = &request.resource_spans[0].scope_spans[0].spans;
    assert_eq!(
        spans[0].trace_id,
        0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()
    );
    assert_eq!(
        (spans[0].kind, spans[0].start_time_unix_nano),
        (2, START_NS)
    );
    assert_eq!(spans[0].status.as_ref().map(|status| status.code), Some(2));
    let values: Vec<_> = spans[0]
        .attributes
        .iter()
        .filter_map(|attribute| attribute.value.as_ref()?.value.as_ref())
        .collect();
    assert_eq!(values[1], &OtlpValue::IntValue(i64::MIN));
    assert_eq!(values[2], &OtlpValue::DoubleValue(0.1));
}

#[test]
fn metrics_go_both_ways_and_opentelemetrys_own_types_accept_them() {
    let mut set = TraceSet::new();
    let llm = set.resource("llm", "llm-0");
    let (depth, one) = (set.intern("queue.depth"), set.intern("1"));
    let (lock, lock_name) = (set.intern("lock.utilization"), set.intern("lock.name"));
    let table = Value::Str(set.intern("table"));
    let point = |time_ns, name, value, attributes| MetricPoint {
        time_ns,
        resource: llm,
        name,
        value,
        unit: one,
        attributes,
    };
    let points = vec![
        point(1, depth, 3.0, Box::default()),
        point(2, depth, 0.5, Box::default()),
        point(2, lock, 1e-7, Box::new([Attribute::new(lock_name, table)])),
    ];
    let mut out = Vec::new();
    OtlpJsonWriter::new().write_metrics(&mut out, &set, &points);
    let request: ExportMetricsServiceRequest =
        serde_json::from_slice(&out).expect("OTLP's own types");
    assert_eq!(
        request.resource_metrics[0].scope_metrics[0].metrics.len(),
        2
    );
    let Observations {
        traces, metrics, ..
    } = read_all(&out);
    let words = |set: &TraceSet, points: &[MetricPoint]| -> Vec<String> {
        let words = points.iter().map(|point| {
            let (name, unit) = (set.text(point.name), set.text(point.unit));
            let attributes = point.attributes.iter();
            let attributes: Vec<_> = attributes
                .map(|one| (set.text(one.key), set.display(&one.value)))
                .collect();
            let (instance, time_ns) = (set.instance(point.resource), point.time_ns);
            format!(
                "{instance} {name} {time_ns} {} {unit} {attributes:?}",
                point.value
            )
        });
        words.collect()
    };
    assert_eq!(words(&traces, &metrics), words(&set, &points));
}

#[test]
fn numbers_may_be_strings_and_names() {
    let line = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":
        {"stringValue":"a"}}]},"scopeSpans":[{"scope":{},"spans":[{"traceId":
        "0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","parentSpanId":"",
        "name":"n","kind":"SPAN_KIND_CLIENT","startTimeUnixNano":5,"endTimeUnixNano":"6",
        "attributes":[{"key":"k","value":{"intValue":7}},{"key":"f","value":{"doubleValue":"NaN"}}],
        "events":[],"flags":257,"status":{"code":"STATUS_CODE_ERROR","message":"late"}}]}]}]}"#
        .replace('\n', " ");
    let set = read(&line);
    let span = &set.spans()[0];
    assert_eq!(
        (span.kind, span.status, span.start_ns),
        (SpanKind::Client, Status::Error, 5)
    );
    assert_eq!(set.attribute(span, "k"), Some(&Value::Int(7)));
    assert!(matches!(set.attribute(span, "f"), Some(Value::Float(f)) if f.is_nan()));
    let message = set.attribute(span, STATUS_MESSAGE);
    assert_eq!(
        message
            .map(|value| set.display(value).into_owned())
            .as_deref(),
        Some("late")
    );
}

#[test]
fn a_fault_is_told_with_its_line_and_field() {
    let good = write(&example());
    for (bad, note) in [
        (
            good.replace("\"b7ad6b7169203331\"", "\"b7ag\""),
            "test, line 2: `spanId` is `b7ag`: hexadecimal digits that are not all 0 expected.",
        ),
        (
            good.replace("\"1700000000000000000\"", "\"soon\""),
            "test, line 2: `startTimeUnixNano` is `soon`: nanoseconds since the Unix epoch expected.",
        ),
    ] {
        let (_, report) = common::read(format!("{good}{bad}").as_bytes());
        let notes = report.notes();
        assert!(notes.iter().any(|found| found == note), "{notes:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(20_260_101),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_text_and_number_survives(
        service in ".+", name in ".*", key in ".*", text in "\\PC*|.*",
        int in any::<i64>(), float in any::<f64>(), id in 1..u64::MAX, start_ns in 1_u64..,
        length_ns in any::<u64>(),
    ) {
        let times = (start_ns, start_ns.saturating_add(length_ns));
        let mut set = TraceSet::new();
        let resource = set.resource(&service, &name);
        let key_symbol = set.intern(&key);
        let text_symbol = set.intern(&text);
        let name_symbol = set.intern(&name);
        set.push(Span {
            trace_id: u128::from(id) << 64,
            span_id: id,
            parent_id: std::num::NonZeroU64::new(id.rotate_left(7)),
            start_ns: times.0,
            end_ns: times.1,
            attributes: [Value::Str(text_symbol), Value::Int(int), Value::Float(float)]
                .into_iter()
                .map(|value| Attribute::new(key_symbol, value))
                .collect(),
            links: Box::default(),
            resource,
            name: name_symbol,
            kind: SpanKind::Internal,
            status: Status::Ok,
        });
        let line = write(&set);
        let _: serde_json::Value = serde_json::from_str(&line).expect("valid JSON");
        let read = read(&line);
        let span = &read.spans()[0];
        prop_assert_eq!(read.service(span.resource), service);
        prop_assert_eq!(read.text(span.name), name);
        prop_assert_eq!(read.text(span.attributes[0].key), key);
        prop_assert_eq!(read.display(&span.attributes[0].value), text);
        prop_assert_eq!(&span.attributes[1].value, &Value::Int(int));
        prop_assert_eq!(&span.attributes[2].value, &Value::Float(float));
        prop_assert_eq!((span.start_ns, span.end_ns), times);
        prop_assert_eq!(write(&read), line);
    }
}
