//! The services' log lines.

use ragdoll_trace::{Severity, TraceSet, read_log_lines, write_log_line};

const LINE: &str = r#"{"timestamp":"2023-11-14T22:13:20.000123Z","severity":"ERROR","service":"reranker","instance":"reranker-0","trace_id":"0af7651916cd43dd8448eb211c80319c","span_id":"b7ad6b7169203331","message":"OutOfMemory: \"killed\"","request_id":"7","memory_bytes":4294967296,"share":0.5,"tags":["a",true]}"#;

#[test]
fn a_line_goes_both_ways() {
    let mut set = TraceSet::new();
    let events = read_log_lines("logs.jsonl", LINE.as_bytes(), &mut set).expect("readable");
    let event = &events[0];
    assert_eq!(event.time_ns, 1_700_000_000_000_123_000);
    assert_eq!(event.severity, Severity::Error);
    assert_eq!(set.service(event.resource), "reranker");
    assert_eq!(
        event.trace_id,
        Some(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c)
    );
    assert_eq!(&*event.message, "OutOfMemory: \"killed\"");
    let mut out = Vec::new();
    write_log_line(&mut out, &set, event);
    assert_eq!(String::from_utf8_lossy(&out).trim_end(), LINE);
}

#[test]
fn absent_and_empty_ids_are_none() {
    let line = r#"{"timestamp":"2023-11-14T22:13:20Z","severity":"INFO","service":"llm","trace_id":"","span_id":null,"message":"process started","restarts":1}"#;
    let mut set = TraceSet::new();
    let events = read_log_lines("logs.jsonl", line.as_bytes(), &mut set).expect("readable");
    assert_eq!((events[0].trace_id, events[0].span_id), (None, None));
    assert_eq!(set.instance(events[0].resource), "");
}

#[test]
fn errors_name_source_line_and_fault() {
    for (from, to, message) in [
        (
            "2023-11-14",
            "yesterday",
            "`timestamp` is `yesterdayT22:13:20.000123Z`: an RFC 3339 time since 1970 expected",
        ),
        (
            "ERROR",
            "BAD",
            "`severity` is `BAD`: TRACE, DEBUG, INFO, WARN or ERROR expected",
        ),
        (
            "\"service\"",
            "\"svc\"",
            "a JSON object with `timestamp`, `severity`, `service` and `message` expected, but missing field `service`",
        ),
        (
            "0af7",
            "zzzz",
            "`trace_id` is `zzzz651916cd43dd8448eb211c80319c`: 32 hexadecimal digits expected",
        ),
    ] {
        let text = format!("{LINE}\n{}\n", LINE.replace(from, to));
        let error = read_log_lines("logs.jsonl", text.as_bytes(), &mut TraceSet::new())
            .expect_err("a bad line is refused")
            .to_string();
        let expected = format!("logs.jsonl, line 2: {message}");
        assert!(
            error.starts_with(&expected),
            "{error:?} should start with {expected:?}"
        );
    }
}
