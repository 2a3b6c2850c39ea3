//! Traces as they arrive from real systems: with holes, circles, doubles and times that cannot be.
//! Whatever is left is analysed, and nothing takes longer than its size allows.

use std::num::NonZeroU64;

use crate::common::{Book, EPOCH_MS, ns, span, window};
use ragdoll_analyser::{Config, Prepared, Verdict, Window, analyse, find_window, given_up};
use ragdoll_analyser::{serial_opportunities, waterfall};
use ragdoll_trace::{Observations, Span, SpanKind, Status};

/// One span of trace 1 without attributes.
fn plain(book: &mut Book, id: u64, parent: Option<u64>, (start_ns, end_ns): (u64, u64)) {
    let set = &mut book.observations.traces;
    let (resource, name) = (set.resource("s", "0"), set.intern("work"));
    set.push(Span {
        trace_id: 1,
        span_id: id,
        parent_id: parent.and_then(NonZeroU64::new),
        start_ns,
        end_ns,
        attributes: Box::default(),
        links: Box::default(),
        resource,
        name,
        kind: SpanKind::Unspecified,
        status: Status::Unset,
    });
}

/// The critical path of trace 1 over all its rows, and the root's duration, in milliseconds.
fn critical_ms(observations: &Observations) -> (f64, f64) {
    let prepared = Prepared::new(observations);
    let rows = waterfall(&prepared, 1);
    let total = rows.iter().map(|row| row.on_critical_path_ms).sum();
    (total, rows[0].duration_ms)
}

#[test]
fn nothing_at_all_is_not_enough() {
    let observations = Observations::default();
    let prepared = Prepared::new(&observations);
    let config = Config::default();
    let (now, before) = (window(10.0, 20.0), window(0.0, 10.0));
    let analysis = analyse(&prepared, &now, &before, &config);
    assert!(matches!(analysis.verdict, Verdict::NotEnoughData { .. }));
    assert_eq!(find_window(&prepared, &config), None);
    assert_eq!(given_up(&prepared, &now), []);
    assert_eq!(serial_opportunities(&prepared, &now, &config), []);
    assert_eq!(waterfall(&prepared, 1), []);
}

#[test]
fn spans_that_are_each_others_parents_are_cut_apart() {
    let mut book = Book::default();
    let start = EPOCH_MS as u64 * 1_000_000;
    for at in 0..10 {
        plain(
            &mut book,
            at + 1,
            Some((at + 1) % 10 + 1),
            (start, start + 1000 + at),
        );
    }
    let (total, duration) = critical_ms(&book.observations);
    assert!((total - duration).abs() < 1e-9, "{total} of {duration}");
}

#[test]
fn of_two_spans_with_one_id_both_are_kept() {
    let mut book = Book::default();
    plain(&mut book, 1, None, (1000, 9000));
    plain(&mut book, 2, Some(1), (2000, 4000));
    plain(&mut book, 2, Some(1), (5000, 6000));
    plain(&mut book, 3, Some(2), (2500, 3500));
    let prepared = Prepared::new(&book.observations);
    assert_eq!(waterfall(&prepared, 1).len(), 4);
    let (total, duration) = critical_ms(&book.observations);
    assert!((total - 0.008).abs() < 1e-12 && (duration - 0.008).abs() < 1e-12);
}

#[test]
fn a_span_that_ends_before_it_starts_takes_no_time() {
    let mut book = Book::default();
    plain(&mut book, 1, None, (1000, 9000));
    plain(&mut book, 2, Some(1), (5000, 2000));
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    assert_eq!(
        (rows[1].duration_ms, rows[1].on_critical_path_ms),
        (0.0, 0.0)
    );
    assert!((rows[0].on_critical_path_ms - 0.008).abs() < 1e-12);
}

#[test]
fn the_longest_time_there_is_is_split_like_any_other() {
    let mut book = Book::default();
    plain(&mut book, 1, None, (0, u64::MAX));
    plain(&mut book, 2, Some(1), (1, u64::MAX));
    let (total, duration) = critical_ms(&book.observations);
    assert!((total - duration).abs() <= 1e-9 * duration);
}

#[test]
fn an_internal_span_may_name_a_service_that_nobody_calls() {
    let mut book = Book::default();
    let (root, inner, lost) = (book.id(), book.id(), book.id());
    book.add(
        1,
        root,
        span("a", "0", "GET /", 0.0, 10.0).kind(SpanKind::Server),
    );
    let spec = span("a", "0", "cache", 1.0, 9.0).text("server.address", "nobody");
    book.add(1, inner, spec.under(root));
    book.add(1, lost, span("b", "0", "work", 2.0, 3.0).under(9999));
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    assert_eq!(rows.len(), 3);
    assert!((rows.iter().map(|row| row.on_critical_path_ms).sum::<f64>() - 10.0).abs() < 1e-9);
}

/// Tens of thousands of lost parents, of unanswered calls and of attempts in one trace: were each
/// compared with every other, this would take hours.
#[test]
fn a_huge_trace_of_orphans_and_retries_is_read_in_no_time() {
    const MANY: u64 = 30_000;
    let mut book = Book::default();
    let root = book.id();
    let to_ms = MANY as f64 * 2.0;
    book.add(
        1,
        root,
        span("a", "0", "GET /", 0.0, to_ms).kind(SpanKind::Server),
    );
    for number in 0..MANY {
        let (call, lost) = (book.id(), book.id());
        let from = number as f64;
        let spec = span("a", "0", "Get", from, from + 0.5)
            .kind(SpanKind::Client)
            .under(root)
            .text("server.address", "b")
            .failed(Some("UNAVAILABLE"));
        book.add(1, call, spec);
        let spec = span("b", "0", "work", from + 0.6, from + 0.7).under(u64::MAX - number);
        book.add(1, lost, spec);
    }
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    assert_eq!(rows.len() as u64, 2 * MANY + 1);
    let total: f64 = rows.iter().map(|row| row.on_critical_path_ms).sum();
    assert!((total - to_ms).abs() < 1e-3, "{total}");
}

#[test]
fn a_chain_as_deep_as_a_trace_is_long_does_not_exhaust_the_stack() {
    const DEEP: u64 = 100_000;
    let mut book = Book::default();
    for at in 0..DEEP {
        let parent = (at > 0).then_some(at);
        plain(&mut book, at + 1, parent, (at, 2 * DEEP - at));
    }
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    assert_eq!(rows.last().map(|row| u64::from(row.depth)), Some(DEEP - 1));
    let total: f64 = rows.iter().map(|row| row.on_critical_path_ms).sum();
    assert!((total - 2.0 * DEEP as f64 / 1e6).abs() < 1e-6);
}

#[test]
fn what_was_repaired_is_said() {
    let mut book = Book::default();
    for number in 0..200_u64 {
        let (root, lost) = (book.id(), book.id());
        let trace_id = u128::from(number) + 1;
        let from = number as f64 * 100.0;
        let spec = span("a", "0", "GET /", from, from + 10.0).kind(SpanKind::Server);
        book.add(trace_id, root, spec);
        let spec = span("b", "0", "work", from + 2.0, from + 3.0).under(1_000_000 + number);
        book.add(trace_id, lost, spec);
    }
    let halves = |from: f64| Window {
        start_ns: ns(from * 1e3),
        end_ns: ns((from + 10.0) * 1e3),
    };
    let prepared = Prepared::new(&book.observations);
    let analysis = analyse(&prepared, &halves(10.0), &halves(0.0), &Config::default());
    let is_said = |note: &String| note.contains("200 spans name a parent that is missing");
    assert!(analysis.notes.iter().any(is_said), "{:?}", analysis.notes);
}
