//! Calls that could run at once: where they are said to, and where not.

use crate::common::{Book, span, window};
use ragdoll_analyser::{Config, Independence, Prepared, SerialOpportunity, serial_opportunities};
use ragdoll_trace::SpanKind;

/// One call by the hub: callee, milliseconds after the start of the search, length.
type Call = (&'static str, f64, f64);

/// A hundred searches, of which each takes the given calls and a millisecond more.
fn searches(calls: impl Fn(usize) -> Vec<Call>) -> Vec<SerialOpportunity> {
    let mut book = Book::default();
    for number in 0..100 {
        let trace_id = number as u128 + 1;
        let from_ms = 100.0 * number as f64;
        let root = book.id();
        let mut end_ms = from_ms;
        for (callee, start_ms, length_ms) in calls(number) {
            let (client, server) = (book.id(), book.id());
            let (start, end) = (from_ms + start_ms, from_ms + start_ms + length_ms);
            let spec = span(callee, "0", "Get", start, end).kind(SpanKind::Server);
            book.add(trace_id, server, spec.under(client));
            let spec = span("hub", "0", "Get", start, end).kind(SpanKind::Client);
            book.add(trace_id, client, spec.under(root));
            end_ms = f64::max(end_ms, end);
        }
        let spec = span("hub", "0", "Search", from_ms, end_ms + 1.0).kind(SpanKind::Server);
        book.add(trace_id, root, spec);
    }
    let prepared = Prepared::new(&book.observations);
    serial_opportunities(&prepared, &window(0.0, 100.0), &Config::default())
}

fn assert_one(found: &[SerialOpportunity], calls: &[&str], saved_ms: f64, shown: Independence) {
    let [one] = found else {
        panic!("{found:#?}");
    };
    assert_eq!(
        (one.service.as_str(), one.operation.as_str()),
        ("hub", "Search")
    );
    assert_eq!(one.calls, calls);
    assert!((one.saved_ms - saved_ms).abs() < 1e-6, "{one:#?}");
    assert_eq!(one.independence, shown);
}

#[test]
fn the_same_call_again_and_again_could_run_at_once() {
    let found = searches(|_| {
        (0..4)
            .map(|at| ("part", 10.0 * f64::from(at), 10.0))
            .collect()
    });
    assert_one(&found, &["part Get"], 30.0, Independence::Shown);
    assert!((found[0].calls_in_a_row - 4.0).abs() < 1e-9);
    assert!((found[0].share - 30.0 / 41.0).abs() < 1e-9, "{found:#?}");
}

#[test]
fn calls_that_change_their_order_could_run_at_once() {
    let found = searches(|number| match number % 4 {
        0 => vec![("b", 0.0, 20.0), ("a", 20.0, 10.0)],
        _ => vec![("a", 0.0, 10.0), ("b", 10.0, 20.0)],
    });
    assert_one(&found, &["a Get", "b Get"], 10.0, Independence::Shown);
}

#[test]
fn a_call_that_is_also_made_without_the_one_before_does_not_need_it() {
    let found = searches(|number| match number % 4 {
        0 => vec![("b", 0.0, 20.0)],
        _ => vec![("a", 0.0, 10.0), ("b", 10.0, 20.0)],
    });
    assert_one(&found, &["a Get", "b Get"], 7.5, Independence::Shown);
}

#[test]
fn of_different_calls_in_one_order_it_is_only_not_ruled_out() {
    let found = searches(|_| vec![("a", 0.0, 10.0), ("b", 10.0, 20.0), ("c", 30.0, 15.0)]);
    assert_one(
        &found,
        &["a Get", "b Get", "c Get"],
        25.0,
        Independence::NotRuledOut,
    );
}

#[test]
fn what_is_certain_is_told_from_what_is_possible() {
    let found = searches(|_| {
        vec![
            ("first", 0.0, 20.0),
            ("part", 20.0, 10.0),
            ("part", 30.0, 10.0),
            ("part", 40.0, 10.0),
        ]
    });
    let told: Vec<_> = found
        .iter()
        .map(|one| {
            (
                one.independence,
                one.calls.len(),
                one.saved_ms.round() as u32,
            )
        })
        .collect();
    let expected = [
        (Independence::Shown, 1, 20),
        (Independence::NotRuledOut, 2, 30),
    ];
    assert_eq!(told, expected);
}

#[test]
fn calls_that_overlap_in_some_traces_already_run_at_once() {
    let found = searches(|number| {
        let second = if number % 10 == 0 { 5.0 } else { 10.0 };
        vec![("a", 0.0, 10.0), ("b", second, 20.0)]
    });
    assert_eq!(found, []);
}

#[test]
fn a_caller_that_works_on_an_answer_first_may_need_it() {
    let found = searches(|_| vec![("a", 0.0, 10.0), ("a", 15.0, 10.0)]);
    assert_eq!(found, []);
}

#[test]
fn what_is_off_the_critical_path_saves_nothing() {
    let found = searches(|_| {
        vec![
            ("slow", 0.0, 60.0),
            ("part", 5.0, 10.0),
            ("part", 15.0, 10.0),
        ]
    });
    assert_eq!(found, []);
}

#[test]
fn a_few_visits_and_a_small_share_are_left_out() {
    let rare = searches(|number| match number {
        0..40 => vec![("part", 0.0, 10.0), ("part", 10.0, 10.0)],
        _ => Vec::new(),
    });
    assert_eq!(rare, []);
    let small = searches(|_| vec![("part", 0.0, 2.0), ("part", 2.0, 2.0), ("slow", 10.0, 80.0)]);
    assert_eq!(small, []);
}
