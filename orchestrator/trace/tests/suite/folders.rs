//! Files and folders.

use std::path::Path;

use crate::common::{START_NS, sample};
use ragdoll_trace::Reader;

#[test]
fn a_folder_is_read_in_the_order_of_names_and_says_what_was_skipped() {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, from: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::copy(sample(from), path).expect("a copy");
    };
    put("c/late.json", "zipkin.jsonl");
    put("b.spans", "otlp.jsonl");
    put("a/logs", "logs.jsonl");
    std::fs::write(folder.path().join(".hidden"), "x").expect("a file");
    std::fs::write(folder.path().join("empty.jsonl"), "").expect("a file");
    std::fs::write(folder.path().join("notes.csv"), "time,value\n").expect("a file");
    let mut reader = Reader::new();
    reader.read_path(folder.path()).expect("readable");
    let (seen, report) = reader.finish();
    assert_eq!((seen.traces.spans().len(), seen.logs.len()), (4, 4));
    let prefix = format!("{}/", folder.path().display());
    let sources: Vec<String> = report.sources.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(sources.join("\n").replace(&prefix, ""), @"
    .hidden: its name begins with a dot
    a/logs: log lines, 2 log events
    b.spans: OTLP JSON, 2 spans, 2 log events, 2 metric points
    c/late.json: Zipkin JSON, 2 spans
    empty.jsonl: empty
    notes.csv: it begins with `time,value`, which is in no format that is known
    ");
    insta::assert_snapshot!(report.notes().join("\n").replace(&prefix, ""), @"
    .hidden was skipped: its name begins with a dot.
    empty.jsonl is empty.
    notes.csv was skipped: it begins with `time,value`, which is in no format that is known.
    1 record that cannot be understood was left out (a/logs).
    1 log event that cannot be understood was left out (a/logs).
    2 points of metrics that are neither gauges nor sums were left out (b.spans).
    2 spans have the id of another span of their trace and were given new ones (c/late.json).
    a/logs, line 2: a JSON object expected, but there is `not a log line`.
    a/logs, line 3: `severity` is `LOUD`: TRACE, DEBUG, INFO, WARN or ERROR expected.
    ");
}

#[test]
fn what_is_not_there_is_an_error_and_a_note() {
    let mut reader = Reader::new();
    let error = reader
        .read_path(Path::new("no/such.json"))
        .expect_err("it is not there");
    insta::assert_snapshot!(error, @"no/such.json cannot be opened: No such file or directory (os error 2); check the path and its permissions");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("notes.csv"), "time,value\n").expect("a file");
    let error = reader
        .read_path(folder.path())
        .expect_err("nothing there to read");
    let error = error
        .to_string()
        .replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(error, @"FOLDER holds no file of telemetry (1 looked at); name the files themselves");
    reader.read_path(&sample("zipkin.jsonl")).expect("readable");
    let (seen, report) = reader.finish();
    assert_eq!((seen.traces.spans().len(), report.sources.len()), (2, 3));
    assert!(report.notes()[0].starts_with("no/such.json was skipped: it cannot be opened: "));
}

/// Spans of two runs with the same ids and times, as a baseline and what is compared with it.
#[test]
fn a_baseline_is_told_apart_in_time_and_by_trace() {
    let mut reader = Reader::new();
    for name in ["otlp.jsonl", "logs.jsonl"] {
        reader.read_path(&sample(name)).expect("readable");
    }
    reader.mark();
    reader.read_path(&sample("otlp.jsonl")).expect("readable");
    let (mut seen, report) = reader.finish();
    let mark = report.mark;
    assert_eq!((mark.spans, mark.logs, mark.metrics), (2, 4, 2));
    assert_eq!(mark.sources, 2);
    assert_eq!(report.dropped().len(), 3, "{:?}", report.dropped());
    let windows = seen.separate(&mark);
    // The last log event of the baseline is 2 s after its beginning, and 1 s lies between.
    let back = 3_000_000_000;
    let spans_of = |start: u64| (start, start + 10_000_001);
    assert_eq!(windows, [spans_of(START_NS - back), spans_of(START_NS)]);
    let spans = seen.traces.spans();
    assert_eq!(spans[0].start_ns + back, spans[2].start_ns);
    assert_eq!(spans[0].end_ns + back, spans[2].end_ns);
    assert_eq!(spans[0].trace_id, spans[1].trace_id);
    assert_ne!(spans[0].trace_id, spans[2].trace_id);
    assert_eq!(seen.logs[0].trace_id, Some(spans[0].trace_id));
    assert_eq!(seen.logs[4].trace_id, Some(spans[2].trace_id));
    assert_eq!(seen.metrics[0].time_ns + back, seen.metrics[2].time_ns);
    let latest_log = seen.logs[..4].iter().map(|event| event.time_ns).max();
    assert_eq!(latest_log, Some(START_NS - 1_000_000_000));
}

#[test]
fn parts_that_are_apart_already_stay_where_they_are() {
    let mut reader = Reader::new();
    reader.read_path(&sample("zipkin.jsonl")).expect("readable");
    reader.mark();
    let late = std::fs::read_to_string(sample("zipkin.jsonl")).expect("a sample");
    let late = late.replace("17000000", "17000001").replace("b7ad", "b7ae");
    reader.read("late", late.as_bytes()).expect("readable");
    let (mut seen, report) = reader.finish();
    let windows = seen.separate(&report.mark);
    assert_eq!(windows[0], (START_NS, START_NS + 500_001));
    assert!(windows[1].0 > windows[0].1);
    let mut empty = Reader::new();
    empty.mark();
    let (mut seen, report) = empty.finish();
    assert_eq!(seen.separate(&report.mark), [(0, 0), (0, 0)]);
}

#[test]
fn a_baseline_near_the_beginning_of_time_moves_the_rest() {
    let spans = |start: u64| {
        format!(
            r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"1","spanId":"1","kind":1,"startTimeUnixNano":"{start}","endTimeUnixNano":"{}"}}]}}]}}]}}"#,
            start + 10
        )
    };
    let mut reader = Reader::new();
    reader
        .read("before", spans(5).as_bytes())
        .expect("readable");
    reader.mark();
    reader.read("after", spans(5).as_bytes()).expect("readable");
    let (mut seen, report) = reader.finish();
    seen.separate(&report.mark);
    let spans = seen.traces.spans();
    assert_eq!(spans[0].start_ns, 1);
    assert_eq!(spans[1].start_ns, spans[0].end_ns + 1_000_000_000);
}
