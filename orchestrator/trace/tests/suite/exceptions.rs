//! Of the events within spans, the last exception of one that failed is kept, in JSON as in protobuf.

use crate::common::{read, words};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// A span with these events and this status code.
fn span(id: u8, events: &str, code: u8) -> String {
    format!(
        r#"{{"traceId":"00000000000000000000000000000001","spanId":"000000000000000{id}","name":"GET",
        "kind":3,"startTimeUnixNano":"1700000000000000000","endTimeUnixNano":"1700000000000000001",
        "events":[{events}],"status":{{"code":{code}}}}}"#
    )
}

fn event(kind: &str, message: &str) -> String {
    format!(
        r#"{{"timeUnixNano":"1700000000000000000","name":"exception","attributes":[
        {{"key":"exception.type","value":{{"stringValue":"{kind}"}}}},
        {{"key":"exception.message","value":{{"stringValue":"{message}"}}}},
        {{"key":"exception.escaped","value":{{"boolValue":true}}}}]}}"#
    )
}

const OTHER: &str = r#"{"timeUnixNano":"1700000000000000001","name":"retry","attributes":[{"key":"message","value":{"stringValue":"x"}}]}"#;

#[test]
fn the_last_exception_is_kept_where_the_span_failed() {
    let two = [
        event("KeyError", "first"),
        event("TimeoutError", "late"),
        OTHER.to_owned(),
    ];
    let spans = [
        span(1, &two.join(","), 2),
        span(2, &two.join(","), 0),
        span(3, OTHER, 2),
    ];
    let text = format!(
        r#"{{"resourceSpans":[{{"resource":{{}},"scopeSpans":[{{"spans":[{}]}}]}}]}}"#,
        spans.join(",")
    );
    let text = text.replace('\n', " ");
    let said = words(&read(text.as_bytes()));
    insta::assert_snapshot!(said, @"
    unknown_service/ 1:1 of 0, GET, Client Error, @0 +1 ns exception.type=TimeoutError exception.message=late
    unknown_service/ 1:2 of 0, GET, Client Unset, @0 +1 ns
    unknown_service/ 1:3 of 0, GET, Client Error, @0 +1 ns
    test: OTLP JSON, 3 spans
    7 events within spans were left out (test).
    ");
    let request: ExportTraceServiceRequest = serde_json::from_str(&text).expect("a request");
    let binary = words(&read(&request.encode_to_vec()));
    assert_eq!(binary, said.replace("OTLP JSON", "OTLP protobuf"));
}
