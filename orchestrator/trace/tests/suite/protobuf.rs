//! OTLP's protobuf says the same as its JSON.

use crate::common::{read, read_sample, sample, words};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// The requests of the sample in JSON.
fn requests() -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(sample("otlp.jsonl")).expect("a sample");
    // The types take enumerations by number only.
    let text = text.replace("\"SPAN_KIND_CLIENT\"", "3");
    let lines: Vec<&str> = text.lines().collect();
    let traces: ExportTraceServiceRequest = serde_json::from_str(lines[0]).expect("traces");
    let metrics: ExportMetricsServiceRequest = serde_json::from_str(lines[1]).expect("metrics");
    let logs: ExportLogsServiceRequest = serde_json::from_str(lines[2]).expect("logs");
    vec![
        traces.encode_to_vec(),
        metrics.encode_to_vec(),
        logs.encode_to_vec(),
    ]
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&(message.len() as u32).to_be_bytes(), message].concat()
}

fn expected() -> String {
    words(&read_sample("otlp.jsonl"))
}

#[test]
fn requests_end_to_end() {
    let said = words(&read(&requests().concat()));
    assert_eq!(said, expected().replace("OTLP JSON", "OTLP protobuf"));
}

#[test]
fn requests_in_frames_plain_or_compressed_each() {
    let frames: Vec<Vec<u8>> = requests().iter().map(|request| framed(request)).collect();
    let expected = expected().replace("OTLP JSON", "OTLP protobuf");
    assert_eq!(words(&read(&frames.concat())), expected);
    let zstd = |bytes: &Vec<u8>| framed(&zstd::encode_all(&bytes[..], 1).expect("memory"));
    let compressed: Vec<Vec<u8>> = requests().iter().map(zstd).collect();
    assert_eq!(words(&read(&compressed.concat())), expected);
    let whole = zstd::encode_all(&frames.concat()[..], 1).expect("memory");
    let as_zstd = expected.replace("OTLP protobuf", "OTLP protobuf, zstd");
    assert_eq!(words(&read(&whole)), as_zstd);
}

#[test]
fn json_in_compressed_frames() {
    let text = std::fs::read_to_string(sample("otlp.jsonl")).expect("a sample");
    let frames: Vec<Vec<u8>> = text
        .lines()
        .map(|line| framed(&zstd::encode_all(line.as_bytes(), 1).expect("memory")))
        .collect();
    let said = words(&read(&frames.concat()));
    assert_eq!(said, expected().replace("OTLP JSON", "OTLP protobuf"));
}

#[test]
fn what_is_complete_before_a_cut_is_read() {
    let traces = &requests()[0];
    insta::assert_snapshot!(words(&read(&traces[..traces.len() - 5])), @"
    shop/shop-7d9 af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, GET /cart, Server Error, @0 +50000000 ns http.route=/cart http.status_code=500 error.message=cart is gone
    test: OTLP protobuf, 1 span
    1 record that ends in the middle was left out (test).
    test, byte 0: it ends in the middle, as when its writer was stopped.
    ");
    let frame = framed(traces);
    insta::assert_snapshot!(words(&read(&[&frame[..], &frame[..frame.len() - 60]].concat())), @"
    shop/shop-7d9 af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, GET /cart, Server Error, @0 +50000000 ns http.route=/cart http.status_code=500 error.message=cart is gone
    shop/shop-7d9 af7651916cd43dd8448eb211c80319c:f067aa0ba902b7 of b7ad6b7169203331, redis GET, Client Unset, @10000000 +30000000 ns -> 1:2
    test: OTLP protobuf, 2 spans
    1 record that ends in the middle was left out (test).
    1 span that was already there was left out (test).
    test, byte 304: it ends in the middle, as when its writer was stopped.
    ");
}

#[test]
fn a_source_that_goes_wrong_says_where() {
    let text = [requests()[0].clone(), b"garbage".to_vec()].concat();
    insta::assert_snapshot!(read(&text).1.notes().join("\n"), @"
    1 record that cannot be understood was left out (test).
    test, byte 296: an OTLP request expected, but there is something else, and what follows it cannot be found.
    ");
}
