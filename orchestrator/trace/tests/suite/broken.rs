//! Broken data is the normal case: what is broken is left out or put right and counted, and the
//! rest is read.

use std::io::Write;

use crate::common::{START_NS, read, sample, words};
use flate2::Compression;
use flate2::write::GzEncoder;
use ragdoll_trace::{Dropped, Reader, Repair, format_names};

/// A batch of one span, as a line.
fn line(trace: &str, span: &str, start_ns: u64, end_ns: u64, more: &str) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"a"}}}}]}},"scopeSpans":[{{"spans":[{{"traceId":"{trace}","spanId":"{span}","name":"n","kind":2,"startTimeUnixNano":"{start_ns}","endTimeUnixNano":"{end_ns}"{more}}}]}}]}}]}}"#
    ) + "\n"
}

fn good(span: u64) -> String {
    let (trace, span) = ("1".repeat(32), format!("{span:016x}"));
    line(&trace, &span, START_NS, START_NS + 5, "")
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.as_bytes())
        .expect("memory is writable");
    encoder.finish().expect("memory is writable")
}

#[test]
fn a_line_cut_anywhere_costs_only_itself() {
    let cut = &good(2)[..150];
    let text = format!("{}{cut}\n{}oops\n{}", good(1), good(3), &good(4)[..100]);
    insta::assert_snapshot!(words(&read(text.as_bytes())), @"
    a/ 11111111111111111111111111111111:1 of 0, n, Server Unset, @0 +5 ns
    a/ 11111111111111111111111111111111:3 of 0, n, Server Unset, @0 +5 ns
    test: OTLP JSON, 2 spans
    1 record that cannot be understood was left out (test).
    2 records that end in the middle were left out (test).
    test, line 2: it ends in the middle, as when its writer was stopped.
    test, line 4: a JSON object expected, but there is `oops`.
    test, line 5: it ends in the middle, as when its writer was stopped.
    ");
}

#[test]
fn the_spans_before_a_cut_are_read() {
    let text = std::fs::read_to_string(sample("otlp.jsonl")).expect("a sample");
    let first = text.lines().next().expect("a line");
    let end = first
        .find(r#","name":"redis GET""#)
        .expect("the second span");
    insta::assert_snapshot!(words(&read(&first.as_bytes()[..end])), @"
    shop/shop-7d9 af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, GET /cart, Server Error, @0 +50000000 ns http.route=/cart http.status_code=500 error.message=cart is gone
    test: OTLP JSON, 1 span
    1 record that ends in the middle was left out (test).
    test, line 1: it ends in the middle, as when its writer was stopped.
    ");
}

#[test]
fn odd_spans_are_put_right_or_left_out() {
    let (trace, zero) = ("1".repeat(32), "0".repeat(32));
    let text = [
        good(1),
        line(&trace, "0000000000000002", START_NS, START_NS - 5, ""),
        line(&trace, "0000000000000003", START_NS, 0, ""),
        line(&zero, "0000000000000004", START_NS, START_NS, ""),
        line("", "0000000000000004", START_NS, START_NS, ""),
        line(&trace, "0000000000000000", START_NS, START_NS, ""),
        line(&trace, "nonsense", START_NS, START_NS, ""),
        line(&trace, "0000000000000005", 0, START_NS, ""),
        line(
            &trace,
            "0000000000000006",
            START_NS,
            START_NS,
            r#","status":{"code":9}"#,
        ),
        line(
            &trace,
            "0000000000000007",
            START_NS,
            START_NS,
            r#","parentSpanId":null"#,
        ),
        line(
            &trace,
            "0000000000000008",
            START_NS,
            START_NS,
            r#","name":7"#,
        ),
        line(
            &trace,
            "0000000000000009",
            START_NS,
            START_NS,
            r#","links":[{"traceId":"","spanId":""}]"#,
        ),
    ];
    insta::assert_snapshot!(words(&read(text.concat().as_bytes())), @"
    a/ 11111111111111111111111111111111:1 of 0, n, Server Unset, @0 +5 ns
    a/ 11111111111111111111111111111111:2 of 0, n, Server Unset, @0 +0 ns
    a/ 11111111111111111111111111111111:3 of 0, n, Server Unset, @0 +0 ns
    a/ 11111111111111111111111111111111:6 of 0, n, Server Unset, @0 +0 ns
    a/ 11111111111111111111111111111111:7 of 0, n, Server Unset, @0 +0 ns
    a/ 11111111111111111111111111111111:9 of 0, n, Server Unset, @0 +0 ns
    test: OTLP JSON, 6 spans
    2 spans without a trace id were left out (test).
    1 span without an id was left out (test).
    1 span without a start was left out (test).
    2 spans that cannot be understood were left out (test).
    1 span ends before it begins and counts as of no length (test).
    1 span has no end and counts as of no length (test).
    1 span has a kind or a status that does not exist, which counts as not said (test).
    1 link without valid ids was left out (test).
    test, line 7: `spanId` is `nonsense`: hexadecimal digits that are not all 0 expected.
    test, line 11: an OTLP span expected, but duplicate field `name` at line 1 column 182.
    ");
}

#[test]
fn a_bad_span_does_not_take_its_batch_along() {
    let text = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[
        {"traceId":"01","spanId":"01","name":"a","kind":1,"startTimeUnixNano":"5","endTimeUnixNano":"6"},
        {"traceId":"01","spanId":"02","name":{},"kind":1,"startTimeUnixNano":"5","endTimeUnixNano":"6"},
        {"traceId":"01","spanId":"03","name":"c","kind":1,"startTimeUnixNano":"5","endTimeUnixNano":"6"}
    ]}],"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"late"}}]}}]}"#;
    insta::assert_snapshot!(words(&read(text.replace('\n', " ").as_bytes())), @"
    late/ 1:1 of 0, a, Internal Unset, 5 +1 ns
    late/ 1:3 of 0, c, Internal Unset, 5 +1 ns
    test: OTLP JSON, 2 spans
    1 span that cannot be understood was left out (test).
    test, line 1: an OTLP span expected, but invalid type: map, expected a string at line 1 column 37.
    ");
}

#[test]
fn spans_that_come_twice_are_dropped_and_other_spans_of_one_id_renamed() {
    let trace = "1".repeat(32);
    let other = line(&trace, "0000000000000001", START_NS + 7, START_NS + 9, "");
    let (seen, report) = read([good(1), good(1), other.clone(), other].concat().as_bytes());
    let spans = seen.traces.spans();
    assert_eq!(report.dropped().get(&Dropped::DuplicateSpan), Some(&1));
    assert_eq!(report.repaired().get(&Repair::DuplicateSpanId), Some(&2));
    assert_eq!((spans.len(), spans[0].span_id), (3, 1));
    let renamed = [spans[1].span_id, spans[2].span_id];
    assert!(renamed.iter().all(|&id| id > 1) && renamed[0] != renamed[1]);
    let again = read([good(1), good(1)].concat().as_bytes());
    assert_eq!(again.0.traces.spans().len(), 1);
}

#[test]
fn compressed_in_several_members() {
    let text = [gzip(&good(1)), gzip(&good(2))].concat();
    assert_eq!(read(&text).0.traces.spans().len(), 2);
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 1).expect("memory");
    let text = [zstd(&good(1)), zstd(&good(2))].concat();
    let (seen, report) = read(&text);
    assert_eq!(seen.traces.spans().len(), 2);
    assert_eq!(
        report.sources[0].to_string(),
        "test: OTLP JSON, zstd, 2 spans"
    );
}

#[test]
fn a_truncated_archive_is_read_as_far_as_it_goes() {
    let lines: String = (1..2000).map(good).collect();
    let whole = gzip(&lines);
    let (seen, report) = read(&whole[..whole.len() / 2]);
    let spans = seen.traces.spans().len();
    assert!((500..1500).contains(&spans), "{spans} spans");
    let said = report.notes().join("\n");
    let line = spans as u64 + 2;
    assert!(
        said.contains(&format!("test, line {line}: cannot be read: ")),
        "line {line}: {said}"
    );
    let whole = zstd::encode_all(lines.as_bytes(), 1).expect("memory");
    let (seen, report) = read(&whole[..whole.len() * 3 / 4]);
    assert!(
        report.notes().join("\n").contains("cannot be read: "),
        "{:?}",
        report.notes()
    );
    assert!((100..1999).contains(&seen.traces.spans().len()));
}

#[test]
fn a_source_that_tells_nothing_is_an_error_or_a_note() {
    let said = |bytes: &[u8]| {
        let mut reader = Reader::new();
        let result = reader
            .read("input", bytes)
            .map_err(|error| error.to_string());
        (result, reader.finish().1.notes().join(" "))
    };
    let unknown = |result: Result<(), String>| {
        let error = result.expect_err("it is no telemetry");
        error.replace(&format_names(), "FORMATS")
    };
    assert!(format_names().contains(" or ") && format_names().contains("Zipkin v2 JSON, "));
    assert_eq!(said(b""), (Ok(()), "input is empty.".to_owned()));
    let (result, note) = said(b"time,value\n1,2\n");
    insta::assert_snapshot!(unknown(result), @"input, line 1: it begins with `time,value`, but FORMATS expected, each plain, gzip or zstd");
    insta::assert_snapshot!(note, @"input was skipped: it begins with `time,value`, which is in no format that is known.");
    let (result, _) = said(b"\x7fELF\x02\x01\x01\x00");
    insta::assert_snapshot!(unknown(result), @"input, byte 0: it is binary and begins with the bytes 7f 45 4c 46, but FORMATS expected, each plain, gzip or zstd");
    let (result, _) = said(&gzip(&good(1))[..12]);
    insta::assert_snapshot!(result.expect_err("nothing of it is there"), @"input, byte 0: cannot be read: incomplete deflate stream");
}

#[test]
fn bytes_that_are_not_utf8_are_replaced() {
    let text = good(1).replace(r#""name":"n""#, r#""name":"n?""#);
    let bytes: Vec<u8> = text
        .bytes()
        .map(|byte| if byte == b'?' { 0xff } else { byte })
        .collect();
    let (seen, report) = read(&bytes);
    assert_eq!(seen.traces.text(seen.traces.spans()[0].name), "n\u{fffd}");
    assert_eq!(report.repaired().get(&Repair::InvalidUtf8), Some(&1));
}

#[test]
fn sources_of_several_formats_may_be_joined() {
    let zipkin = std::fs::read_to_string(sample("zipkin.jsonl")).expect("a sample");
    let logs = std::fs::read_to_string(sample("logs.jsonl")).expect("a sample");
    let (seen, report) = read([good(1), zipkin, logs].concat().as_bytes());
    assert_eq!((seen.traces.spans().len(), seen.logs.len()), (3, 2));
    assert_eq!(report.dropped().get(&Dropped::BadLine), Some(&1));
}

#[test]
fn a_resource_with_nulls_is_read_without_them() {
    let service = r#"{"key":"service.name","value":{"stringValue":"a"}}"#;
    let all = [
        format!("{service},null"),
        format!(r#"null,{service},{{"key":"host.name","value":null}}"#),
    ];
    for attributes in all {
        let text = good(1).replace(service, &attributes);
        let said = words(&read(text.as_bytes()));
        assert!(said.starts_with("a/"), "{said}");
        assert!(!said.contains("left out"), "{said}");
    }
}

#[test]
fn a_resource_that_cannot_be_read_is_told() {
    for resource in [r#""gone""#, r#"{"attributes":7}"#] {
        let text = good(1);
        let from = text.find(r#"{"attributes""#).expect("a resource");
        let to = text.find(r#","scopeSpans""#).expect("its spans");
        let text = format!("{}{resource}{}", &text[..from], &text[to..]);
        let (seen, report) = read(text.as_bytes());
        assert_eq!(seen.traces.spans().len(), 1, "the spans are read");
        let dropped = report.dropped();
        assert_eq!(
            dropped.get(&Dropped::BadLine),
            Some(&1),
            "{resource}: {dropped:?}"
        );
    }
}

#[test]
fn other_formats_after_jaeger_traces_are_read() {
    let jaeger = r#"{"traceID":"1","spans":[{"traceID":"1","spanID":"1","operationName":"n","startTime":1735689600000000,"duration":5,"processID":"p"}],"processes":{"p":{"serviceName":"j"}}}"#;
    let answer = format!(r#"{{"data":[{}]}}"#, jaeger.replace("\"1\"", "\"2\""));
    let text = format!("{jaeger}\n{}{answer}\n", good(7));
    let said = words(&read(text.as_bytes()));
    assert!(said.contains("3 spans"), "{said}");
    assert!(!said.contains("left out"), "{said}");
}

#[test]
fn a_jaeger_trace_without_processes_is_read() {
    for processes in ["null", r#"{"p":null}"#] {
        let text = format!(
            r#"{{"traceID":"1","spans":[{{"traceID":"1","spanID":"1","operationName":"n","startTime":1735689600000000,"duration":5,"processID":"p"}}],"processes":{processes}}}"#
        );
        let said = words(&read(text.as_bytes()));
        assert!(said.contains("1 span"), "{said}");
        assert!(!said.contains("left out"), "{said}");
    }
}

#[test]
fn what_follows_an_answer_of_jaeger_is_read_for_what_it_is() {
    let text = |name| std::fs::read_to_string(sample(name)).expect("a sample");
    let answer = text("jaeger-api.json");
    for (other, spans) in [("otlp.jsonl", 2), ("otlp-old.json", 1), ("zipkin.jsonl", 2)] {
        let both = format!("{answer}\n{}", text(other));
        let (seen, report) = read(both.as_bytes());
        let words = words(&(seen, report));
        let expected = format!("{} spans", 3 + spans);
        assert!(words.contains(&expected), "{other}: {words}");
    }
}

#[test]
fn an_answer_of_jaeger_that_is_an_error_is_told_in_its_words() {
    let error = r#"{"data":null,"total":0,"errors":[{"code":404,"msg":"trace not found"}]}"#;
    let two = format!("{error}\n{error}");
    for text in [error, &two] {
        let words = words(&read(text.as_bytes()));
        assert!(words.contains("404 trace not found"), "{words}");
    }
}

#[test]
fn an_answer_of_tempo_that_ends_in_the_middle_is_read_as_far_as_it_goes() {
    let whole = std::fs::read_to_string(sample("tempo.json")).expect("a sample");
    let second = format!(
        "{{\"trace\": {}",
        whole.replacen("batches", "resourceSpans", 1)
    );
    for text in [whole, second] {
        let cut = &text[..text.rfind("GET").expect("the second span's name")];
        let words = words(&read(cut.as_bytes()));
        assert!(words.contains("Tempo JSON, 1 span\n"), "{words}");
        assert!(words.contains("ends in the middle"), "{words}");
    }
}

#[test]
fn empty_lines_are_no_protobuf() {
    let words = match Reader::new().read("test", &b"\n\n\n\n\n\n\n\n\n\n\n\n\n\n"[..]) {
        Ok(_) => panic!("empty lines were read"),
        Err(error) => error.to_string(),
    };
    assert!(!words.contains("protobuf message"), "{words}");
}
