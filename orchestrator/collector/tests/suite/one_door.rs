//! Telemetry is read alike whether it comes over the network or from a file, in every encoding.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use prost::Message;
use ragdoll_trace::{Attribute, Observations, Reader, TraceSet, Value};
use serde::Serialize;

use crate::common::*;

/// One request of each signal.
struct Telemetry {
    spans: ExportTraceServiceRequest,
    logs: ExportLogsServiceRequest,
    metrics: ExportMetricsServiceRequest,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Grpc,
    HttpProtobuf,
    HttpJson,
    FileProtobuf,
    FileJson,
}

const WAYS: [Way; 5] = [
    Way::Grpc,
    Way::HttpProtobuf,
    Way::HttpJson,
    Way::FileProtobuf,
    Way::FileJson,
];

/// Values of every type, some within others.
fn values() -> Vec<KeyValue> {
    let any = |value| AnyValue { value: Some(value) };
    let list = vec![
        any(Any::StringValue("a".to_owned())),
        any(Any::IntValue(-1)),
        any(Any::ArrayValue(ArrayValue {
            values: vec![any(Any::BoolValue(true))],
        })),
    ];
    let entries = vec![
        key_value("inner", Any::IntValue(i64::MAX)),
        key_value("empty", Any::KvlistValue(KeyValueList::default())),
    ];
    vec![
        text("text", "tab\t \"quoted\" é 🦀"),
        text("text.empty", ""),
        key_value("int", Any::IntValue(i64::MIN)),
        key_value("float", Any::DoubleValue(0.1)),
        key_value("float.whole", Any::DoubleValue(3.0)),
        key_value("bool", Any::BoolValue(false)),
        key_value("bytes", Any::BytesValue(vec![0, 255, 7])),
        key_value("list", Any::ArrayValue(ArrayValue { values: list })),
        key_value("map", Any::KvlistValue(KeyValueList { values: entries })),
        KeyValue {
            key: "nothing".to_owned(),
            ..Default::default()
        },
    ]
}

fn exception(kind: &str, message: &str) -> Event {
    Event {
        time_unix_nano: EPOCH_NS,
        name: "exception".to_owned(),
        attributes: vec![
            text("exception.type", kind),
            text("exception.message", message),
            key_value("exception.escaped", Any::BoolValue(true)),
        ],
        ..Default::default()
    }
}

fn status(code: i32, message: &str) -> Option<Status> {
    let message = message.to_owned();
    Some(Status { message, code })
}

fn varied_spans() -> ExportTraceServiceRequest {
    let kinds = (0..=6).map(|kind| Span {
        kind,
        ..span(1, 10 + kind.unsigned_abs() as u64, "a kind")
    });
    let failed = Span {
        status: status(2, "out of memory"),
        attributes: values(),
        events: vec![
            exception("KeyError", "the first"),
            exception("MemoryError", "the last"),
            Event::default(),
        ],
        links: vec![
            Link {
                trace_id: 9u128.to_be_bytes().to_vec(),
                span_id: 8u64.to_be_bytes().to_vec(),
                attributes: values(),
                ..Default::default()
            },
            Link::default(),
        ],
        parent_span_id: 77u64.to_be_bytes().to_vec(),
        ..span(1, 1, "failed")
    };
    let well = Span {
        status: status(1, "all is well"),
        events: vec![exception("Retry", "and then it went well")],
        parent_span_id: vec![0; 8],
        ..span(1, 2, "well")
    };
    let bridged = Span {
        attributes: vec![key_value("error", Any::BoolValue(true))],
        parent_span_id: 1u64.to_be_bytes().to_vec(),
        trace_state: "vendor=1".to_owned(),
        ..span(1, 3, "bridged")
    };
    let unknown_status = Span {
        status: status(7, ""),
        ..span(1, 4, "of a status that there is not")
    };
    let backwards = Span {
        end_time_unix_nano: EPOCH_NS,
        ..span(1, 5, "ends before it begins")
    };
    let endless = Span {
        end_time_unix_nano: 0,
        ..span(1, 6, "has no end")
    };
    let without_start = Span {
        start_time_unix_nano: 0,
        ..span(1, 7, "has no start")
    };
    let without_id = Span {
        span_id: Vec::new(),
        ..span(1, 8, "has no id")
    };
    let mut request = traces(vec![
        failed,
        well,
        bridged,
        unknown_status,
        backwards,
        endless,
        without_start,
        without_id,
    ]);
    request.resource_spans[0].scope_spans[0].scope = Some(InstrumentationScope {
        name: "a library".to_owned(),
        attributes: values(),
        ..Default::default()
    });
    let mut of_pod = traces(kinds.collect()).resource_spans.remove(0);
    of_pod.resource = Some(Resource {
        attributes: vec![
            text("host.name", "node-3"),
            text("k8s.pod.name", "cart-7d9"),
            key_value("process.pid", Any::IntValue(7)),
        ],
        ..Default::default()
    });
    let mut of_nobody = traces(vec![span(2, 1, "of nobody")])
        .resource_spans
        .remove(0);
    of_nobody.resource = None;
    request.resource_spans.extend([of_pod, of_nobody]);
    request
}

/// Log records that the receiver keeps: others are in its file alone.
fn varied_logs() -> ExportLogsServiceRequest {
    let severe = LogRecord {
        attributes: [values(), vec![text("message", "not the message")]].concat(),
        ..log_record(0, 13, "queue is full")
    };
    let of_process = LogRecord {
        trace_id: Vec::new(),
        span_id: vec![0; 8],
        time_unix_nano: 0,
        observed_time_unix_nano: EPOCH_NS,
        ..log_record(1, 9, "started")
    };
    let by_text = LogRecord {
        severity_number: 0,
        severity_text: "critical".to_owned(),
        ..log_record(2, 0, "died")
    };
    let structured = LogRecord {
        body: Some(AnyValue {
            value: Some(Any::KvlistValue(KeyValueList { values: values() })),
        }),
        ..log_record(3, 17, "")
    };
    let named = LogRecord {
        body: None,
        event_name: "session.end".to_owned(),
        ..log_record(4, 21, "")
    };
    let timeless = LogRecord {
        time_unix_nano: 0,
        ..log_record(5, 17, "when?")
    };
    logs(vec![
        severe, of_process, by_text, structured, named, timeless,
    ])
}

fn varied_metrics() -> ExportMetricsServiceRequest {
    let point = |value| NumberDataPoint {
        time_unix_nano: EPOCH_NS,
        attributes: values(),
        value,
        ..Default::default()
    };
    let sum = |name: &str, data_points| Metric {
        name: name.to_owned(),
        data: Some(metric::Data::Sum(Sum {
            data_points,
            aggregation_temporality: 2,
            is_monotonic: true,
        })),
        ..Default::default()
    };
    let seven = Some(number_data_point::Value::AsInt(7));
    let absent = NumberDataPoint {
        flags: 1,
        ..point(None)
    };
    let timeless = NumberDataPoint {
        time_unix_nano: 0,
        ..point(seven)
    };
    let histogram = Metric {
        name: "latency".to_owned(),
        data: Some(metric::Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint::default()],
            ..Default::default()
        })),
        ..Default::default()
    };
    let empty = Metric {
        name: "empty".to_owned(),
        data: Some(metric::Data::Gauge(Gauge::default())),
        ..Default::default()
    };
    metrics(vec![
        gauge("queue.depth", 2.5),
        sum("errors", vec![point(seven), absent, point(None), timeless]),
        histogram,
        empty,
    ])
}

fn json(request: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(request).expect("a request has a JSON form")
}

fn bodies(telemetry: &Telemetry, is_json: bool) -> [Vec<u8>; 3] {
    let Telemetry {
        spans,
        logs,
        metrics,
    } = telemetry;
    match is_json {
        true => [json(spans), json(logs), json(metrics)],
        false => [
            spans.encode_to_vec(),
            logs.encode_to_vec(),
            metrics.encode_to_vec(),
        ],
    }
}

fn from_file(bodies: [Vec<u8>; 3], separator: &[u8]) -> Observations {
    let mut reader = Reader::new();
    let bytes = bodies.join(separator);
    reader.read("a file", &bytes[..]).expect("OTLP");
    reader.finish().0
}

fn over_the_network(telemetry: Telemetry, way: Way) -> Observations {
    let received = in_runtime(async {
        let receiver = start(None, None).await;
        match way {
            Way::Grpc => over_grpc(telemetry, endpoint(&receiver)).await,
            _ => {
                let is_json = matches!(way, Way::HttpJson);
                let kind = match is_json {
                    true => "application/json",
                    false => "application/x-protobuf",
                };
                let paths = ["traces", "logs", "metrics"];
                for (path, body) in paths.into_iter().zip(bodies(&telemetry, is_json)) {
                    let line = format!("POST /v1/{path}");
                    let headers = [("content-type", kind)];
                    let answer = request(receiver.address(), &line, &headers, &body).await;
                    assert_eq!(answer.status, 200, "{way:?}: {}", answer.in_words());
                }
            }
        }
        receiver.end().await
    });
    received.collected.observations
}

async fn over_grpc(telemetry: Telemetry, endpoint: String) {
    let channel = tonic::transport::Endpoint::from_shared(endpoint);
    let channel = channel.expect("an endpoint").connect_lazy();
    let Telemetry {
        spans,
        logs,
        metrics,
    } = telemetry;
    let mut to_traces = TraceServiceClient::new(channel.clone());
    to_traces.export(spans).await.expect("taken");
    let mut to_logs = LogsServiceClient::new(channel.clone());
    to_logs.export(logs).await.expect("taken");
    let mut to_metrics = MetricsServiceClient::new(channel);
    to_metrics.export(metrics).await.expect("taken");
}

fn read(way: Way, telemetry: Telemetry) -> Observations {
    match way {
        Way::FileProtobuf => from_file(bodies(&telemetry, false), b""),
        Way::FileJson => from_file(bodies(&telemetry, true), b"\n"),
        way => over_the_network(telemetry, way),
    }
}

/// A value with its type, by text and not by symbol.
fn value(set: &TraceSet, value: &Value) -> String {
    match value {
        Value::Str(symbol) => format!("{:?}", set.text(*symbol)),
        Value::List(items) => {
            let items: Vec<_> = items.iter().map(|item| self::value(set, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => attributes(set, entries),
        other => format!("{other:?}"),
    }
}

fn attributes(set: &TraceSet, attributes: &[Attribute]) -> String {
    let pairs = attributes
        .iter()
        .map(|one| format!("{}: {}", set.text(one.key), value(set, &one.value)));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// All that is known of everything, one a line.
fn words(seen: &Observations) -> Vec<String> {
    let set = &seen.traces;
    let process = |id: ragdoll_trace::ResourceId| {
        let others = attributes(set, &set.resources()[id.0 as usize].attributes);
        format!("{}/{} {others}", set.service(id), set.instance(id))
    };
    let spans = set.spans().iter().map(|span| {
        let links = span.links.iter().map(|link| {
            let attributes = attributes(set, &link.attributes);
            format!("{:x}:{:x} {attributes}", link.trace_id, link.span_id)
        });
        format!(
            "{} {:x}:{:x} of {:?}, {}, {:?} {:?} {}..{} {} {:?}",
            process(span.resource),
            span.trace_id,
            span.span_id,
            span.parent_id,
            set.text(span.name),
            span.kind,
            span.status,
            span.start_ns,
            span.end_ns,
            attributes(set, &span.attributes),
            links.collect::<Vec<_>>(),
        )
    });
    let logs = seen.logs.iter().map(|event| {
        format!(
            "{} {} {:?} {} {:?} {:?} {}",
            process(event.resource),
            event.time_ns,
            event.severity,
            event.message,
            event.trace_id,
            event.span_id,
            attributes(set, &event.fields),
        )
    });
    let points = seen.metrics.iter().map(|point| {
        format!(
            "{} {} {} {} {} {}",
            process(point.resource),
            point.time_ns,
            set.text(point.name),
            point.value,
            set.text(point.unit),
            attributes(set, &point.attributes),
        )
    });
    spans.chain(logs).chain(points).collect()
}

#[test]
fn what_comes_over_the_network_is_what_is_read_from_a_file() {
    let read = |way| {
        let telemetry = Telemetry {
            spans: varied_spans(),
            logs: varied_logs(),
            metrics: varied_metrics(),
        };
        words(&read(way, telemetry))
    };
    let expected = read(Way::FileProtobuf);
    let count = |word: &str| expected.iter().filter(|line| line.contains(word)).count();
    assert_eq!(expected.len(), 14 + 5 + 2, "{expected:#?}");
    assert_eq!((count("cart-7d9"), count("MemoryError")), (7, 1));
    for way in WAYS {
        let found = read(way);
        for (line, expected) in found.iter().zip(&expected) {
            assert_eq!(line, expected, "{way:?}");
        }
        assert_eq!(found.len(), expected.len(), "{way:?}");
    }
}
