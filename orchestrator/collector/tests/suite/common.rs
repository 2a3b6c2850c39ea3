//! What the tests send, and how.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use ragdoll_collector::{Output, Receiver};
use ragdoll_telemetry::Exporter;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::transport::Channel;

/// 2025-01-01T00:00:00Z.
pub(crate) const EPOCH_NS: u64 = 1_735_689_600_000_000_000;

/// A free port of this machine.
pub(crate) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A receiver of a process that says nothing itself.
pub(crate) async fn start(out: Option<&Path>, forward: Option<String>) -> Receiver {
    let output = out.map(|folder| Output::create(folder).expect("a folder that can be written"));
    let (_, batches) = Exporter::channel();
    let receiver = Receiver::start(ANY_PORT, batches, Vec::new(), output, forward);
    receiver.await.expect("a free port")
}

pub(crate) fn endpoint(receiver: &Receiver) -> String {
    format!("http://{}", receiver.address())
}

pub(crate) async fn trace_client(receiver: &Receiver) -> TraceServiceClient<Channel> {
    let client = TraceServiceClient::connect(endpoint(receiver)).await;
    client.expect("the receiver listens")
}

pub(crate) fn in_runtime<T>(root: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(root)
}

pub(crate) fn resource(service: &str, instance: &str) -> Option<Resource> {
    Some(Resource {
        attributes: vec![
            text("service.name", service),
            text("service.instance.id", instance),
            key_value("process.pid", Value::IntValue(4711)),
        ],
        ..Default::default()
    })
}

/// A span of reranker-0.
pub(crate) fn span(trace_id: u128, span_id: u64, name: &str) -> Span {
    Span {
        trace_id: trace_id.to_be_bytes().to_vec(),
        span_id: span_id.to_be_bytes().to_vec(),
        name: name.to_owned(),
        kind: 2,
        start_time_unix_nano: EPOCH_NS + span_id * 1_000,
        end_time_unix_nano: EPOCH_NS + span_id * 2_000,
        ..Default::default()
    }
}

pub(crate) fn traces(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: resource("reranker", "reranker-0"),
            scope_spans: vec![ScopeSpans {
                spans,
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

/// One span for each of these numbers, which are its trace's and its own id.
pub(crate) fn numbered(numbers: std::ops::RangeInclusive<u64>) -> ExportTraceServiceRequest {
    let spans = numbers.map(|number| span(number.into(), number, "rerank"));
    traces(spans.collect())
}

pub(crate) fn logs(log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: resource("reranker", "reranker-0"),
            scope_logs: vec![ScopeLogs {
                log_records,
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

/// A log line that belongs to trace 1, at this many seconds.
pub(crate) fn log_record(at_s: u64, severity_number: i32, message: &str) -> LogRecord {
    LogRecord {
        time_unix_nano: EPOCH_NS + at_s * 1_000_000_000,
        severity_number,
        body: Some(AnyValue {
            value: Some(Value::StringValue(message.to_owned())),
        }),
        trace_id: 1u128.to_be_bytes().to_vec(),
        span_id: 2u64.to_be_bytes().to_vec(),
        ..Default::default()
    }
}

pub(crate) fn metrics(metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: resource("reranker", "reranker-0"),
            scope_metrics: vec![ScopeMetrics {
                metrics,
                ..Default::default()
            }],
            ..Default::default()
        }],
    }
}

pub(crate) fn gauge(name: &str, value: f64) -> Metric {
    let point = NumberDataPoint {
        time_unix_nano: EPOCH_NS,
        value: Some(number_data_point::Value::AsDouble(value)),
        ..Default::default()
    };
    Metric {
        name: name.to_owned(),
        unit: "1".to_owned(),
        data: Some(metric::Data::Gauge(Gauge {
            data_points: vec![point],
        })),
        ..Default::default()
    }
}

pub(crate) fn text(key: &str, value: &str) -> KeyValue {
    key_value(key, Value::StringValue(value.to_owned()))
}

pub(crate) fn key_value(key: &str, value: Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..Default::default()
    }
}

/// What an HTTP server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Status and body in one line.
    pub(crate) fn in_words(&self) -> String {
        format!("{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// Sends one request with these headers over HTTP/1.1.
pub(crate) async fn request(
    address: SocketAddr,
    line: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut head = format!("{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    head += &format!("content-length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += "\r\n";
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.write_all(head.as_bytes()).await.expect("sent");
    // A server that refuses a large body need not read it.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.expect("a head");
    let head = String::from_utf8(answer[..end].to_vec()).expect("text");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let content_type = lines.find_map(|line| line.strip_prefix("content-type: "));
    Answer {
        status: status.and_then(|text| text.parse().ok()).expect("a status"),
        content_type: content_type.unwrap_or_default().to_owned(),
        body: answer[end + 4..].to_vec(),
    }
}
