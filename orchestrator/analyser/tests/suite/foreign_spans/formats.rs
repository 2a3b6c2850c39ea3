//! The same through the readers of the formats.

use ragdoll_analyser::{Prepared, WaterfallRow, waterfall};
use ragdoll_trace::{Observations, Reader};

fn read(text: &str) -> Observations {
    let mut reader = Reader::new();
    reader.read("test", text.as_bytes()).expect("readable");
    reader.finish().0
}

fn rows(text: &str) -> Vec<WaterfallRow> {
    waterfall(&Prepared::new(&read(text)), 1)
}

#[test]
fn the_last_exception_of_a_failed_span_says_what_went_wrong() {
    let event = |name: &str, kind: &str, message: &str| {
        format!(
            r#"{{"timeUnixNano":"1500","name":"{name}","attributes":[
            {{"key":"exception.type","value":{{"stringValue":"{kind}"}}}},
            {{"key":"exception.message","value":{{"stringValue":"{message}"}}}}]}}"#
        )
    };
    let events = [
        event("exception", "KeyError", "first"),
        event(
            "exception",
            "java.net.SocketTimeoutException",
            "Read timed out",
        ),
        r#"{"name":"done","attributes":[]}"#.to_owned(),
    ];
    let text = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"web"}}}}]}},
        "scopeSpans":[{{"spans":[{{"traceId":"00000000000000000000000000000001","spanId":"0000000000000001",
        "name":"GET","kind":3,"startTimeUnixNano":"1000","endTimeUnixNano":"2000",
        "events":[{}],"status":{{"code":2}}}}]}}]}}]}}"#,
        events.join(",")
    );
    let text = text.replace('\n', " ");
    assert_eq!(
        rows(&text)[0].error.as_deref(),
        Some("java.net.SocketTimeoutException")
    );
}

#[test]
fn an_error_that_only_an_attribute_tells_is_one() {
    let text = r#"{"resourceSpans":[{"resource":{},"scopeSpans":[{"spans":[{
        "traceId":"00000000000000000000000000000001","spanId":"0000000000000001","name":"GET","kind":3,
        "startTimeUnixNano":"1000","endTimeUnixNano":"2000","attributes":[
        {"key":"error","value":{"boolValue":true}},{"key":"http.status_code","value":{"intValue":"503"}}]}]}]}]}"#;
    assert_eq!(
        rows(&text.replace('\n', " "))[0].error.as_deref(),
        Some("503")
    );
}

#[test]
fn what_a_jaeger_client_logs_of_an_error_is_kept() {
    let text = r#"{"data":[{"traceID":"1","spans":[{"traceID":"1","spanID":"1","operationName":"GET",
        "startTime":1000000,"duration":5,"processID":"p1","tags":[{"key":"error","type":"bool","value":true}],
        "logs":[{"timestamp":1000001,"fields":[{"key":"event","type":"string","value":"error"},
        {"key":"error.kind","type":"string","value":"ConnectException"},
        {"key":"message","type":"string","value":"Connection refused"}]}]}],
        "processes":{"p1":{"serviceName":"web"}}}]}"#;
    assert_eq!(rows(text)[0].error.as_deref(), Some("ConnectException"));
}

#[test]
fn zipkins_far_end_of_a_call_is_its_callee() {
    let text = r#"[{"traceId":"1","id":"1","name":"get /","kind":"SERVER","timestamp":1000000,"duration":100,
        "localEndpoint":{"serviceName":"web","ipv4":"10.0.0.1"}},
        {"traceId":"1","id":"2","parentId":"1","name":"get","kind":"CLIENT","timestamp":1000010,"duration":80,
        "localEndpoint":{"serviceName":"web","ipv4":"10.0.0.1"},"remoteEndpoint":{"ipv4":"10.0.0.2","port":8080}},
        {"traceId":"2","id":"3","name":"get","kind":"SERVER","timestamp":1000010,"duration":80,
        "localEndpoint":{"serviceName":"cart","ipv4":"10.0.0.2","port":8080}}]"#;
    let seen = read(text);
    let prepared = Prepared::new(&seen);
    let window = ragdoll_analyser::Window {
        start_ns: 0,
        end_ns: u64::MAX,
    };
    let config = ragdoll_analyser::Config::default();
    let shares = ragdoll_analyser::overview(&prepared, &window, &config).shares;
    assert!(shares.contains_key("cart"), "{shares:?}");
}
