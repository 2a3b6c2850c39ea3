//! Reading more than is held, with limits that a test can reach.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroUsize;

use proptest::prelude::*;

use super::held::{Bounds, Held};
use super::limits::Limits;
use super::{BOUNDS, ReadReport, Reader, ThinnedKind};
use crate::set::Observations;

fn reader(threads: usize, chunk: usize, bounds: Bounds) -> Reader {
    let threads = NonZeroUsize::new(threads).expect("at least one");
    let limits = Limits {
        chunk,
        ..Limits::default()
    };
    Reader {
        limits,
        held: Held::new(bounds),
        ..Reader::with_threads(threads)
    }
}

fn spans_at_most(spans: usize) -> Bounds {
    Bounds { spans, ..BOUNDS }
}

/// A line with one span of a trace. Its process, its name and an attribute tell the trace.
fn span_line(trace: u64, span: u64) -> String {
    format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"service {trace}"}}}}]}},"scopeSpans":[{{"spans":[{{"traceId":"{trace:x}","spanId":"{span:x}","name":"name {trace}","kind":1,"startTimeUnixNano":"9","endTimeUnixNano":"10","attributes":[{{"key":"request","value":{{"stringValue":"request {trace}"}}}}]}}]}}]}}]}}"#
    )
}

/// Reads lines, of which so many are of each source.
fn read_lines(mut reader: Reader, lines: &[String], a_source: usize) -> (Observations, ReadReport) {
    for (number, source) in lines.chunks(a_source.max(1)).enumerate() {
        let text = source.join("\n");
        reader
            .read(&format!("source {number}"), text.as_bytes())
            .expect("readable");
    }
    reader.finish()
}

fn ids(seen: &Observations) -> BTreeSet<(u128, u64)> {
    let spans = seen.traces.spans().iter();
    spans.map(|span| (span.trace_id, span.span_id)).collect()
}

/// Names, attributes and processes of the spans, by their ids, in words.
fn words(seen: &Observations) -> BTreeSet<String> {
    let set = &seen.traces;
    let spans = set.spans().iter();
    spans
        .map(|span| {
            format!(
                "{} {} {} {} {:?}",
                span.trace_id,
                span.span_id,
                set.service(span.resource),
                set.text(span.name),
                set.attribute(span, "request")
                    .map(|value| set.display(value))
            )
        })
        .collect()
}

/// Spans in an order of their own, as pairs of trace and span id, none of them twice.
fn spans_in_any_order() -> impl Strategy<Value = Vec<(u64, u64)>> {
    prop::collection::btree_set((1..40_u64, 1..12_u64), 1..300)
        .prop_map(|spans| spans.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Order, threads, chunks and files change nothing, traces are held as a whole or not at all,
    /// and as many as the limit allows.
    #[test]
    fn what_is_held_depends_on_the_ids_alone(
        spans in spans_in_any_order(),
        limit in 1..200_usize,
        threads in 1..4_usize,
        chunk in 50..5_000_usize,
        a_source in 1..300_usize,
    ) {
        let lines = |spans: &[(u64, u64)]| -> Vec<String> {
            spans.iter().map(|&(trace, span)| span_line(trace, span)).collect()
        };
        let mut sorted = spans.clone();
        sorted.sort_unstable();
        let plain = reader(1, 1 << 20, spans_at_most(limit));
        let (plain, _) = read_lines(plain, &lines(&sorted), sorted.len());
        let other = reader(threads, chunk, spans_at_most(limit));
        let (mut other, report) = read_lines(other, &lines(&spans), a_source);
        prop_assert_eq!(words(&plain), words(&other));
        prop_assert_eq!(plain.traces.trace_share(), other.traces.trace_share());
        prop_assert_eq!(plain.traces.symbol_count(), other.traces.symbol_count());
        prop_assert_eq!(report.spans(), spans.len() as u64);
        let held = ids(&other);
        let traces: BTreeSet<u128> = held.iter().map(|ids| ids.0).collect();
        let whole = spans.iter().filter(|ids| traces.contains(&u128::from(ids.0))).count();
        prop_assert_eq!(held.len(), whole);
        // A vector never gives room back, so it tells how much was in it at most.
        prop_assert!(other.traces.spans_mut().capacity() <= limit + 1);
        prop_assert_eq!(report.thinned.is_empty(), spans.len() <= limit);
    }
}

/// Traces of five spans each.
fn many(traces: u64) -> Vec<String> {
    (0..traces * 5)
        .map(|number| span_line(number % traces + 1, number + 1))
        .collect()
}

#[test]
fn the_share_is_told_and_is_about_what_is_held() {
    let traces = 4_000_u32;
    let lines = many(traces.into());
    let (seen, report) = read_lines(reader(2, 10_000, spans_at_most(3_000)), &lines, 7_000);
    let share = seen.traces.trace_share();
    assert_eq!(share, 0.125);
    let expected = share * f64::from(traces);
    let held = ids(&seen).len() as f64 / 5.0;
    let deviation = (expected * (1.0 - share)).sqrt();
    assert!((held - expected).abs() < 4.0 * deviation, "{held} traces");
    assert_eq!(report.thinned[&ThinnedKind::Spans].share(), share);
    assert_eq!(report.notes().len(), 1);
    insta::assert_snapshot!(report.notes()[0], @"20,000 spans are more than are held at once (3,000): one trace in 8 was kept, chosen by its id.");
}

#[test]
fn texts_and_processes_go_with_the_spans_that_used_them() {
    let (seen, _) = read_lines(reader(1, 3_000, spans_at_most(300)), &many(2_000), 900);
    let traces = ids(&seen).len() / 5;
    assert_eq!(seen.traces.resources().len(), traces);
    // Of each trace its process, its name and its request; the key and the empty instance besides.
    assert_eq!(seen.traces.symbol_count(), 3 * traces + 2);
}

#[test]
fn texts_do_not_grow_with_what_is_read() {
    let limit = 300;
    let mut reader = reader(1, 3_000, spans_at_most(limit));
    let mut most = 0;
    for source in many(3_000).chunks(50) {
        let text = source.join("\n");
        reader.read("test", text.as_bytes()).expect("readable");
        most = most.max(reader.held.text_count());
    }
    // Each span brings three texts at most, and each of the 50 of a source may have been let go.
    assert!(most <= 3 * (limit + 50) + 2, "{most}");
}

#[test]
fn both_parts_are_thinned_alike_and_the_mark_stays_between_them() {
    let (before, after) = (many(100), many(800));
    let mut reader = reader(1, 2_000, spans_at_most(600));
    for (name, lines) in [("before", before), ("after", after)] {
        if name == "after" {
            reader.mark();
        }
        reader
            .read(name, lines.join("\n").as_bytes())
            .expect("readable");
    }
    let (seen, report) = reader.finish();
    assert_eq!(report.mark.sources, 1);
    let (before, after) = seen.traces.spans().split_at(report.mark.spans);
    let traces = |spans: &[crate::span::Span]| -> BTreeSet<u128> {
        spans.iter().map(|span| span.trace_id).collect()
    };
    let (before, after) = (traces(before), traces(after));
    assert!(!before.is_empty() && before.len() < 100);
    let expected: BTreeSet<u128> = after.into_iter().filter(|&id| id <= 100).collect();
    assert_eq!(before, expected);
}

#[test]
fn a_span_that_is_twice_is_still_found_after_others_were_let_go() {
    let mut lines = many(400);
    lines.extend(lines.clone());
    let (seen, report) = read_lines(reader(1, 900, spans_at_most(500)), &lines, 300);
    assert_eq!(ids(&seen).len(), seen.traces.spans().len());
    assert!(report.dropped().values().sum::<u64>() >= seen.traces.spans().len() as u64);
}

#[test]
fn a_trace_that_is_longer_than_the_limit_is_not_held_and_that_is_said() {
    let lines: Vec<String> = (1..=50).map(|span| span_line(7, span)).collect();
    let (seen, report) = read_lines(reader(1, 900, spans_at_most(20)), &lines, 50);
    assert!(seen.traces.spans().is_empty());
    insta::assert_snapshot!(report.notes().join("\n"), @"50 spans are more than are held at once (20), and none could be kept, since most are of one trace.");
}

/// A log line of ragdoll's services.
fn log_line(number: u64, severity: &str) -> String {
    let second = number % 60;
    format!(
        r#"{{"timestamp":"2026-03-01T10:00:{second:02}.{number:06}Z","severity":"{severity}","service":"llm","instance":"llm-0","message":"message {number}"}}"#
    )
}

#[test]
fn log_events_are_held_up_to_a_bound_and_warnings_have_their_own() {
    let bounds = Bounds {
        log_events: 100,
        warnings: 100,
        ..BOUNDS
    };
    let mut text = String::new();
    for number in 0..1_000 {
        let severity = if number % 20 == 0 { "WARN" } else { "INFO" };
        writeln!(text, "{}", log_line(number, severity)).expect("memory is writable");
    }
    let mut reader = reader(1, 4_000, bounds);
    reader.read("logs", text.as_bytes()).expect("readable");
    let (seen, report) = reader.finish();
    let warnings = seen
        .logs
        .iter()
        .filter(|event| super::held::is_warning(event));
    assert_eq!(warnings.count(), 50);
    assert!((75..=150).contains(&seen.logs.len()), "{}", seen.logs.len());
    assert_eq!(report.sources[0].log_events, 1_000);
    insta::assert_snapshot!(report.notes().join("\n"), @"950 log events below WARN are more than are held at once (100): one in 16 was kept, chosen by its hash.");
}

/// A line with a gauge's points of one process, two at each moment.
fn gauge_line(moment: u64) -> String {
    let point = format!(r#"{{"timeUnixNano":"{}","asInt":"{moment}"}}"#, moment + 1);
    let gauge = |name: &str| format!(r#"{{"name":"{name}","gauge":{{"dataPoints":[{point}]}}}}"#);
    format!(
        r#"{{"resourceMetrics":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"llm"}}}}]}},"scopeMetrics":[{{"metrics":[{},{}]}}]}}]}}"#,
        gauge("used"),
        gauge("limit")
    )
}

#[test]
fn points_of_one_moment_are_held_together() {
    let bounds = Bounds {
        metric_points: 100,
        ..BOUNDS
    };
    let lines: Vec<String> = (0..500).map(gauge_line).collect();
    let (seen, report) = read_lines(reader(1, 2_000, bounds), &lines, 200);
    assert!((30..=100).contains(&seen.metrics.len()));
    let pairs = seen.metrics.chunks(2);
    assert!(pairs.clone().all(|pair| pair[0].time_ns == pair[1].time_ns));
    insta::assert_snapshot!(report.notes().join("\n"), @"1,000 metric points are more than are held at once (100): one moment in 16 was kept, chosen by process and time.");
}
