//! Calls that are gone, and calls that are only made more or less often.

use ragdoll_analyser::{Analysis, CallsChange, Question};
use ragdoll_trace::SpanKind;
use rand::RngExt;

use super::{Rng, judged, rng};
use crate::common::{Book, span};

const REQUESTS: usize = 2000;

/// A request that makes these calls, one after the other.
fn request(book: &mut Book, start_ms: f64, calls: &[&str]) {
    let root = book.id();
    let trace_id = u128::from(root);
    for (at, name) in calls.iter().enumerate() {
        let id = book.id();
        let from_ms = start_ms + 1.0 + at as f64;
        let call = span("shop", "shop-0", name, from_ms, from_ms + 0.5);
        book.add(trace_id, id, call.under(root));
    }
    let answer = span("shop", "shop-0", "GET /", start_ms, start_ms + 40.0);
    book.add(trace_id, root, answer.kind(SpanKind::Server));
}

/// A minute against a minute of 2,000 requests.
fn compare(calls: impl Fn(&mut Rng, bool) -> Vec<&'static str>, seed: u64) -> Analysis {
    let (mut rng, mut book) = (rng(seed), Book::default());
    for number in 0..2 * REQUESTS {
        let in_window = number >= REQUESTS;
        let from_ms = if in_window { 100_000.0 } else { 0.0 };
        let at_ms = (number % REQUESTS) as f64 * 60_000.0 / REQUESTS as f64;
        request(&mut book, from_ms + at_ms, &calls(&mut rng, in_window));
    }
    judged(&book, (100.0, 160.0), (0.0, 60.0))
}

/// Requests look into a cache, and into a database where it does not know.
fn cached(before: f64, now: f64, seed: u64) -> Analysis {
    let calls = |rng: &mut Rng, in_window: bool| {
        let hit = rng.random::<f64>() < if in_window { now } else { before };
        if hit {
            vec!["cache"]
        } else {
            vec!["cache", "database"]
        }
    };
    compare(calls, seed)
}

#[test]
fn a_cache_that_is_hit_more_often_is_told_and_is_no_bottleneck() {
    for seed in 0..20 {
        let analysis = cached(0.80, 0.87, seed);
        assert!(
            analysis.verdict.bottleneck().is_none(),
            "{:#?}",
            analysis.verdict
        );
    }
    let analysis = cached(0.80, 0.87, 1);
    assert_eq!(analysis.structure.len(), 1, "{:#?}", analysis.structure);
    let change = &analysis.structure[0];
    assert_eq!(
        (change.kind, change.vanished.as_slice()),
        (CallsChange::Shifted, &["database".to_owned()][..])
    );
}

#[test]
fn an_exception_that_is_a_little_less_rare_is_no_bottleneck() {
    let analysis = cached(0.02, 0.06, 1);
    assert!(
        analysis.verdict.bottleneck().is_none(),
        "{:#?}",
        analysis.verdict
    );
}

#[test]
fn calls_that_were_always_made_and_are_gone_are_a_bottleneck() {
    for (before, now) in [(0.0, 0.03), (0.0, 0.9), (0.02, 0.5), (0.8, 1.0)] {
        let analysis = cached(before, now, 1);
        let found = analysis.verdict.bottleneck();
        assert_eq!(
            found.map(|found| found.question),
            Some(Question::Calls),
            "{before} {now}"
        );
        assert_eq!(analysis.structure[0].kind, CallsChange::Vanished);
    }
}

#[test]
fn calls_that_appear_and_calls_that_multiply_are_told() {
    let calls = |rng: &mut Rng, in_window: bool| {
        let mut calls = vec!["price"; 1 + rng.random_range(0..3)];
        if in_window {
            calls.extend(["price", "price", "audit"]);
        }
        calls
    };
    let analysis = compare(calls, 2);
    assert!(
        analysis.verdict.bottleneck().is_none(),
        "{:#?}",
        analysis.verdict
    );
    let mut found: Vec<_> = analysis
        .structure
        .iter()
        .map(|one| (one.called.as_deref().unwrap_or_default(), one.kind))
        .collect();
    found.sort_by_key(|&(called, _)| called);
    assert_eq!(
        found,
        [
            ("audit", CallsChange::Appeared),
            ("price", CallsChange::Number)
        ]
    );
    let price = analysis
        .structure
        .iter()
        .find(|one| one.kind == CallsChange::Number);
    let price = price.expect("the number of calls changed");
    assert!((price.calls - 4.0).abs() < 0.1 && (price.baseline_calls - 2.0).abs() < 0.1);
}

#[test]
fn calls_that_vary_as_ever_are_not_told() {
    let calls = |rng: &mut Rng, _: bool| vec!["price"; rng.random_range(0..5)];
    for seed in 0..20 {
        let analysis = compare(calls, seed);
        assert_eq!(analysis.structure, [], "{seed}");
    }
}
