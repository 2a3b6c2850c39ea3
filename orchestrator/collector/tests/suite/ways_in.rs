//! Whatever way telemetry comes in, the same is kept and written.

use std::io::Write as _;
use std::path::Path;

use crate::common::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValueList};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::trace::v1::Status;
use opentelemetry_proto::tonic::trace::v1::span::Link;
use prost::Message as _;
use ragdoll_collector::{Counts, LOGS_FILE, METRICS_FILE, Received, TRACES_FILE};
use ragdoll_trace::{Observations, Severity, Value as Kept, read_log_lines};
use tonic::codec::CompressionEncoding;
use tonic::transport::Endpoint;

#[derive(Clone, Copy, Debug)]
enum Way {
    Grpc { gzip: bool },
    Protobuf { gzip: bool },
    Json { gzip: bool },
}

const WAYS: [Way; 6] = [
    Way::Grpc { gzip: false },
    Way::Grpc { gzip: true },
    Way::Protobuf { gzip: false },
    Way::Protobuf { gzip: true },
    Way::Json { gzip: false },
    Way::Json { gzip: true },
];

/// A failed span with all kinds of attributes, and its caller.
fn two_spans() -> ExportTraceServiceRequest {
    let mut failed = span(1, 2, "ragdoll.v1.Reranker/Rerank");
    failed.parent_span_id = 1u64.to_be_bytes().to_vec();
    failed.attributes = vec![
        text("rpc.system.name", "grpc"),
        key_value("documents", Value::IntValue(50)),
        key_value("share", Value::DoubleValue(0.25)),
        key_value("cached", Value::BoolValue(false)),
        key_value("digest", Value::BytesValue(vec![0xde, 0xad])),
        key_value(
            "replicas",
            Value::ArrayValue(ArrayValue {
                values: vec![AnyValue {
                    value: Some(Value::StringValue("shard-0-1".to_owned())),
                }],
            }),
        ),
        key_value(
            "sizes",
            Value::KvlistValue(KeyValueList {
                values: vec![key_value("batch", Value::IntValue(8))],
            }),
        ),
    ];
    failed.links = vec![Link {
        trace_id: 9u128.to_be_bytes().to_vec(),
        span_id: 8u64.to_be_bytes().to_vec(),
        ..Default::default()
    }];
    failed.status = Some(Status {
        code: 2,
        message: "out of memory".to_owned(),
    });
    traces(vec![failed, span(1, 1, "POST /v1/query")])
}

/// A line that few look at, one that matters, and one that belongs to no request.
fn three_lines() -> ExportLogsServiceRequest {
    let mut severe = log_record(1, 13, "queue is full");
    severe.attributes = vec![
        text("request_id", "q-1"),
        text("message", "not the message"),
        key_value("depth", Value::IntValue(64)),
    ];
    let mut of_process = log_record(2, 9, "started");
    of_process.trace_id = Vec::new();
    of_process.span_id = Vec::new();
    logs(vec![log_record(0, 9, "reranked"), severe, of_process])
}

fn gauge_and_sum() -> ExportMetricsServiceRequest {
    let point = NumberDataPoint {
        time_unix_nano: EPOCH_NS,
        value: Some(number_data_point::Value::AsInt(7)),
        attributes: vec![text("device", "eth0")],
        ..Default::default()
    };
    let sum = Metric {
        name: "system.network.errors".to_owned(),
        data: Some(metric::Data::Sum(Sum {
            data_points: vec![point],
            aggregation_temporality: 2,
            is_monotonic: true,
        })),
        ..Default::default()
    };
    metrics(vec![gauge("queue.depth", 2.5), sum])
}

async fn send(way: Way, address: std::net::SocketAddr) {
    let (spans, lines, points) = (two_spans(), three_lines(), gauge_and_sum());
    match way {
        Way::Grpc { gzip } => {
            let endpoint = Endpoint::from_shared(format!("http://{address}"));
            let channel = endpoint.expect("an endpoint").connect().await;
            let channel = channel.expect("it listens");
            let mut to_traces = TraceServiceClient::new(channel.clone());
            let mut to_logs = LogsServiceClient::new(channel.clone());
            let mut to_metrics = MetricsServiceClient::new(channel);
            if gzip {
                to_traces = to_traces.send_compressed(CompressionEncoding::Gzip);
                to_logs = to_logs.send_compressed(CompressionEncoding::Gzip);
                to_metrics = to_metrics.send_compressed(CompressionEncoding::Gzip);
            }
            let answer = to_traces.export(spans).await.expect("taken").into_inner();
            assert_eq!(answer.partial_success, None);
            to_logs.export(lines).await.expect("taken");
            to_metrics.export(points).await.expect("taken");
        }
        Way::Protobuf { gzip } => {
            let kind = "application/x-protobuf";
            post(address, "traces", kind, gzip, spans.encode_to_vec(), b"").await;
            post(address, "logs", kind, gzip, lines.encode_to_vec(), b"").await;
            post(address, "metrics", kind, gzip, points.encode_to_vec(), b"").await;
        }
        Way::Json { gzip } => {
            let kind = "application/json; charset=utf-8";
            for (path, body) in [
                ("traces", include_str!("json/traces.json")),
                ("logs", include_str!("json/logs.json")),
                ("metrics", include_str!("json/metrics.json")),
            ] {
                post(address, path, kind, gzip, body.into(), b"{}").await;
            }
        }
    }
}

async fn post(
    address: std::net::SocketAddr,
    path: &str,
    kind: &str,
    gzip: bool,
    mut body: Vec<u8>,
    expected: &[u8],
) {
    let mut headers = vec![("content-type", kind)];
    if gzip {
        headers.push(("content-encoding", "gzip"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&body).expect("memory takes everything");
        body = encoder.finish().expect("memory takes everything");
    }
    let answer = request(address, &format!("POST /v1/{path}"), &headers, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.in_words());
    let answered_kind = kind.split(';').next().expect("a kind");
    assert_eq!(answer.content_type, answered_kind);
    assert_eq!(answer.body, expected, "{}", answer.in_words());
}

fn files(folder: &Path) -> String {
    let files = [TRACES_FILE, LOGS_FILE, METRICS_FILE];
    let read = |name| std::fs::read_to_string(folder.join(name)).expect("a file that was written");
    files.map(read).concat()
}

fn come(way: Way) -> (Received, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let received = in_runtime(async {
        let receiver = start(Some(folder.path()), None).await;
        send(way, receiver.address()).await;
        receiver.end().await
    });
    (received, files(folder.path()))
}

#[test]
fn every_way_leads_to_the_same_files() {
    let expected = Counts {
        spans: 2,
        log_lines: 3,
        metric_points: 2,
        ..Counts::default()
    };
    let mut first = None;
    for way in WAYS {
        let (received, written) = come(way);
        assert_eq!(received.counts, expected, "{way:?}");
        assert!(received.failure.is_none(), "{way:?}");
        let first = first.get_or_insert_with(|| written.clone());
        assert_eq!(&written, first, "{way:?}");
    }
    insta::assert_snapshot!(first.expect("there are ways"));
}

#[test]
fn the_analyser_gets_spans_points_and_the_logs_that_matter() {
    for way in WAYS {
        let Observations {
            traces,
            logs,
            metrics,
        } = come(way).0.collected.observations;
        let failed = &traces.spans()[0];
        assert_eq!(traces.service(failed.resource), "reranker");
        assert_eq!(traces.instance(failed.resource), "reranker-0");
        let message = traces.attribute(failed, "error.message");
        let message = message.map(|message| traces.display(message));
        assert_eq!(message.as_deref(), Some("out of memory"));
        assert_eq!(traces.attribute(failed, "documents"), Some(&Kept::Int(50)));
        assert_eq!(traces.spans()[1].parent_id, None);

        let kept: Vec<_> = logs
            .iter()
            .map(|event| (event.severity, event.trace_id, &*event.message))
            .collect();
        let expected = [
            (Severity::Warn, Some(1), "queue is full"),
            (Severity::Info, None, "started"),
        ];
        assert_eq!(kept, expected, "{way:?}");
        assert_eq!(traces.text(logs[0].fields[1].key), "attribute.message");

        let values: Vec<_> = metrics
            .iter()
            .map(|point| (traces.text(point.name), point.value))
            .collect();
        assert_eq!(
            values,
            [("queue.depth", 2.5), ("system.network.errors", 7.0)]
        );
    }
}

#[test]
fn written_lines_can_be_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let received = in_runtime(async {
        let receiver = start(Some(folder.path()), None).await;
        send(Way::Grpc { gzip: false }, receiver.address()).await;
        receiver.end().await
    });
    let mut set = received.collected.observations.traces;
    let lines = std::fs::read(folder.path().join(LOGS_FILE)).expect("a file");
    let read = read_log_lines(LOGS_FILE, lines.as_slice(), &mut set).expect("our own form");
    assert_eq!(read[1..], received.collected.observations.logs);
}
