//! What cannot be taken is refused with a reason, and counted, and nothing else comes of it.

use std::io::Write as _;

use crate::common::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, metric,
};
use prost::Message as _;
use ragdoll_collector::{Counts, Receiver};
use ragdoll_telemetry::Exporter;
use tonic::Code;

const JSON: (&str, &str) = ("content-type", "application/json");
const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
const GZIP: (&str, &str) = ("content-encoding", "gzip");

/// Method and path, headers, and body.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [u8]);

fn packed(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

#[test]
fn bad_requests_over_http_get_a_reason() {
    let bomb = packed(&vec![b' '; (16 << 20) + 1]);
    let large = vec![b' '; (16 << 20) + 1];
    let cases: [Case<'_>; 11] = [
        ("POST /v1/traces", &[], b"{}"),
        ("POST /v1/traces", &[("content-type", "text/plain")], b"{}"),
        ("POST /v1/traces", &[JSON], b"{\"resourceSpans\": 7}"),
        ("POST /v1/logs", &[JSON], b"{\"resourceLogs\": ["),
        ("POST /v1/metrics", &[PROTOBUF], b"\xff\xff"),
        (
            "POST /v1/metrics",
            &[JSON, ("content-encoding", "br")],
            b"{}",
        ),
        ("POST /v1/traces", &[JSON, GZIP], b"{}"),
        ("POST /v1/traces", &[JSON, GZIP], &bomb),
        ("POST /v1/traces", &[JSON], &large),
        ("POST /v1/trace", &[JSON], b"{}"),
        ("GET /v1/traces", &[], b""),
    ];
    let (answers, received) = in_runtime(async {
        let receiver = start(None, None).await;
        let mut answers = String::new();
        for (line, headers, body) in cases {
            let answer = request(receiver.address(), line, headers, body).await;
            answers += &format!("{line}: {}\n", answer.in_words());
        }
        (answers, receiver.end().await)
    });
    let expected = Counts {
        refused_requests: cases.len() as u64,
        ..Counts::default()
    };
    assert_eq!(received.counts, expected);
    // In protobuf the text of a reason has its length and its field before it.
    let readable = answers.replace(
        |character: char| character.is_control() && character != '\n',
        "·",
    );
    insta::assert_snapshot!(readable);
}

#[test]
fn bad_requests_over_grpc_get_a_reason() {
    let (statuses, received) = in_runtime(async {
        let receiver = start(None, None).await;
        let mut client = trace_client(&receiver).await;
        let mut spans = vec![span(1, 1, "large")];
        spans[0].name = "x".repeat((16 << 20) + 1);
        let large = client.export(traces(spans)).await.expect_err("too large");
        let channel = tonic::transport::Endpoint::from_shared(endpoint(&receiver));
        let channel = channel.expect("an endpoint").connect_lazy();
        let mut elsewhere = tonic::client::Grpc::new(channel);
        elsewhere.ready().await.expect("it listens");
        let codec = tonic_prost::ProstCodec::<ExportTraceServiceResponse, ExportTraceServiceResponse>::default();
        let path = http::uri::PathAndQuery::from_static("/ragdoll.v1.Shard/Search");
        let nothing = tonic::Request::new(ExportTraceServiceResponse::default());
        let unknown = elsewhere
            .unary(nothing, path, codec)
            .await
            .expect_err("no such service");
        // The connection goes on.
        client.export(numbered(1..=1)).await.expect("taken");
        ([large.code(), unknown.code()], receiver.end().await)
    });
    assert_eq!(statuses, [Code::OutOfRange, Code::Unimplemented]);
    assert_eq!(received.counts.refused_requests, 2);
    assert_eq!(received.counts.spans, 1);
}

#[test]
fn spans_without_ids_are_refused_and_the_others_kept() {
    let mut spans: Vec<_> = (1..=7).map(|number| span(1, number, "rerank")).collect();
    spans[0].trace_id = vec![0; 16];
    spans[1].trace_id = vec![1; 15];
    spans[2].trace_id = Vec::new();
    spans[3].span_id = vec![0; 8];
    spans[4].span_id = vec![1; 9];
    spans[5].parent_span_id = vec![1; 4];
    let mut root = span(1, 8, "root");
    root.parent_span_id = vec![0; 8];
    spans.push(root);
    let request_body = traces(spans.clone()).encode_to_vec();
    let (over_grpc, over_http, received) = in_runtime(async {
        let receiver = start(None, None).await;
        let mut client = trace_client(&receiver).await;
        let over_grpc = client
            .export(traces(spans))
            .await
            .expect("taken")
            .into_inner();
        let address = receiver.address();
        let answer = request(address, "POST /v1/traces", &[PROTOBUF], &request_body).await;
        let over_http = ExportTraceServiceResponse::decode(answer.body.as_slice());
        (over_grpc, over_http, receiver.end().await)
    });
    assert_eq!(over_http.as_ref(), Ok(&over_grpc));
    let partial = over_grpc.partial_success.expect("not all was taken");
    assert_eq!(partial.rejected_spans, 5);
    insta::assert_snapshot!(partial.error_message);
    assert_eq!(received.counts.rejected_spans, 10);
    assert_eq!(received.counts.spans, 6);
    let kept = received.collected.observations.traces;
    let kept: Vec<_> = kept
        .spans()
        .iter()
        .map(|span| (span.span_id, span.parent_id))
        .collect();
    // A parent's id that is none makes a root.
    let each = [(6, None), (7, None), (8, None)];
    assert_eq!(kept, [each, each].concat());
}

#[test]
fn a_log_line_with_an_id_that_is_none_belongs_to_no_request() {
    let mut record = log_record(0, 9, "lost");
    record.trace_id = vec![1; 3];
    record.span_id = vec![0; 8];
    let received = in_runtime(async {
        let receiver = start(None, None).await;
        let body = logs(vec![record]).encode_to_vec();
        let answer = request(receiver.address(), "POST /v1/logs", &[PROTOBUF], &body).await;
        assert_eq!(answer.status, 200);
        receiver.end().await
    });
    let event = &received.collected.observations.logs[0];
    assert_eq!((event.trace_id, event.span_id), (None, None));
}

#[test]
fn histograms_and_points_without_a_value_are_refused_and_counted() {
    let histogram = Metric {
        name: "http.server.request.duration".to_owned(),
        data: Some(metric::Data::Histogram(Histogram {
            data_points: vec![HistogramDataPoint::default(); 3],
            ..Default::default()
        })),
        ..Default::default()
    };
    let empty = Metric {
        name: "empty".to_owned(),
        data: Some(metric::Data::Gauge(Gauge {
            data_points: vec![NumberDataPoint::default()],
        })),
        ..Default::default()
    };
    let (answer, received) = in_runtime(async {
        let receiver = start(None, None).await;
        let client = MetricsServiceClient::connect(endpoint(&receiver)).await;
        let request = metrics(vec![histogram, gauge("queue.depth", 1.0), empty]);
        let answer = client.expect("it listens").export(request).await;
        (answer.expect("taken").into_inner(), receiver.end().await)
    });
    let partial = answer.partial_success.expect("not all was taken");
    assert_eq!(partial.rejected_data_points, 4);
    insta::assert_snapshot!(partial.error_message);
    assert_eq!(received.counts.rejected_points, 4);
    assert_eq!(received.counts.metric_points, 1);
}

#[test]
fn a_port_in_use_and_an_endpoint_that_is_none_are_told_at_the_start() {
    in_runtime(async {
        let first = start(None, None).await;
        let (_, batches) = Exporter::channel();
        let second = Receiver::start(first.address(), batches, Vec::new(), None, None);
        let error = second.await.expect_err("the port is in use").to_string();
        let port = first.address().port().to_string();
        insta::assert_snapshot!(error.replace(&port, "PORT"));
        let (_, batches) = Exporter::channel();
        let forward = Some("localhost:4317".to_owned());
        let third = Receiver::start(ANY_PORT, batches, Vec::new(), None, forward);
        insta::assert_snapshot!(third.await.expect_err("no scheme"));
    });
}

#[test]
fn what_follows_a_json_request_is_refused_with_it() {
    let bodies: [&[u8]; 3] = [
        b"{\"resourceSpans\": []} xx",
        b"{\"resourceSpans\": []}{\"resourceSpans\": []}",
        b"{\"resourceSpans\": [null]}\n]",
    ];
    let (answers, received) = in_runtime(async {
        let receiver = start(None, None).await;
        let mut answers = Vec::new();
        for body in bodies {
            let answer = request(receiver.address(), "POST /v1/traces", &[JSON], body).await;
            answers.push(answer.in_words());
        }
        (answers, receiver.end().await)
    });
    for answer in &answers {
        assert!(answer.starts_with("400"), "{answers:?}");
    }
    assert_eq!(received.counts.refused_requests, bodies.len() as u64);
}
