//! Calls that were given up while the callee went on.

use crate::common::{Book, span, window};
use ragdoll_analyser::{GivenUp, Prepared, given_up};
use ragdoll_trace::SpanKind;

/// What became of a call: how it ended for the caller, when, and when the callee was done.
type Call = (Option<&'static str>, f64, f64);

/// A hundred requests a tenth of a second apart, of which each makes one call.
fn requests(kinds: (SpanKind, SpanKind), call: impl Fn(usize) -> Call) -> Vec<GivenUp> {
    let mut book = Book::default();
    for number in 0..100 {
        let trace_id = number as u128 + 1;
        let from = 100.0 * number as f64;
        let (root, client, server) = (book.id(), book.id(), book.id());
        let (error, caller_end, callee_end) = call(number);
        let spec = span("back", "0", "Get", from + 1.0, from + callee_end).kind(kinds.1);
        book.add(trace_id, server, spec.under(client));
        let spec = span("front", "0", "Get", from, from + caller_end).kind(kinds.0);
        book.add(trace_id, client, spec.under(root).failed(error));
        let spec = span("front", "0", "GET /", from, from + caller_end).kind(SpanKind::Server);
        book.add(trace_id, root, spec.failed(error));
    }
    let prepared = Prepared::new(&book.observations);
    given_up(&prepared, &window(0.0, 100.0))
}

const CALL: (SpanKind, SpanKind) = (SpanKind::Client, SpanKind::Server);

#[test]
fn work_after_a_deadline_is_wasted() {
    let found = requests(CALL, |number| match number % 5 {
        0 => (Some("DEADLINE_EXCEEDED"), 50.0, 91.0),
        _ => (None, 12.0, 11.0),
    });
    let [one] = found.as_slice() else {
        panic!("{found:#?}");
    };
    let names = (one.caller.as_str(), one.callee.as_str(), one.calls);
    assert_eq!(names, ("front", "back", 20));
    // 20 calls of 41 ms too many, in 100 requests; the callee worked 20 times 90 ms and 80 times 10.
    assert!((one.wasted_ms - 8.2).abs() < 1e-6, "{one:#?}");
    assert!((one.share - 820.0 / 2600.0).abs() < 1e-6, "{one:#?}");
}

#[test]
fn a_call_whose_span_just_ends_first_counts_too() {
    let found = requests(CALL, |number| match number % 5 {
        0 => (None, 50.0, 91.0),
        _ => (None, 12.0, 11.0),
    });
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].calls, 20);
}

#[test]
fn a_callee_that_was_told_in_time_wastes_nothing() {
    let found = requests(CALL, |number| match number % 5 {
        0 => (Some("CANCELLED"), 50.0, 50.5),
        _ => (None, 12.0, 11.0),
    });
    assert_eq!(found, []);
}

#[test]
fn calls_that_never_wait_for_their_end_were_not_given_up() {
    assert_eq!(requests(CALL, |_| (None, 2.0, 51.0)), []);
    let message = (SpanKind::Producer, SpanKind::Consumer);
    assert_eq!(requests(message, |_| (None, 2.0, 51.0)), []);
}

#[test]
fn another_window_has_none_of_it() {
    let mut book = Book::default();
    let id = book.id();
    book.add(
        1,
        id,
        span("front", "0", "GET /", 0.0, 5.0).kind(SpanKind::Server),
    );
    let prepared = Prepared::new(&book.observations);
    assert_eq!(given_up(&prepared, &window(50.0, 60.0)), []);
}
