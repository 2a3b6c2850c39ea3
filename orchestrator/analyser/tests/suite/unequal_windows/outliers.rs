//! Starts that are far from all others.

use ragdoll_analyser::{Analysis, Config, Prepared, Window, analyse};
use ragdoll_trace::{Observations, Span, Symbol};
use rand::RngExt;

use super::{Plain, judged, rng};
use crate::common::system::{System, run};
use crate::common::{Book, window};

const DAY_S: f64 = 86_400.0;

fn write(book: &mut Book, start_s: f64, duration_ms: f64) {
    let plain = Plain {
        service: "shop",
        name: "GET /",
        start_ms: start_s * 1e3,
        duration_ms,
        failed: false,
    };
    plain.write(book);
}

/// A minute of 300 requests, and another one in which all are slower; the second begins at `from_s`.
fn slower(from_s: f64, strays: &[f64]) -> Analysis {
    let mut rng = rng(3);
    let mut book = Book::default();
    for number in 0..300 {
        let at_s = f64::from(number) / 5.0;
        write(&mut book, at_s, 20.0 + 20.0 * rng.random::<f64>());
        write(&mut book, from_s + at_s, 60.0 + 20.0 * rng.random::<f64>());
    }
    for &at_s in strays {
        write(&mut book, at_s, 30.0);
    }
    judged(&book, (from_s, from_s + 3.0 * DAY_S), (0.0, from_s))
}

#[test]
fn one_request_of_another_day_hides_nothing() {
    let analysis = slower(100.0, &[100.0 + DAY_S]);
    assert!(analysis.latency.is_some(), "{:#?}", analysis.verdict);
    assert_eq!(analysis.traces, 300);
    let notes: Vec<&String> = analysis
        .notes
        .iter()
        .filter(|note| note.contains("far from"))
        .collect();
    assert_eq!(
        notes,
        [
            "1 request of the window starts far from all others and is left out: without it the window \
          is 59.8 s long"
        ]
    );
    assert!((analysis.saturation[0].now.arrival_rate_per_s - 5.0).abs() < 0.1);
}

#[test]
fn more_of_them_than_a_few_stay_and_hide_nothing_either() {
    let strays: Vec<f64> = (1..=6)
        .map(|at| 100.0 + DAY_S * f64::from(at) / 3.0)
        .collect();
    let analysis = slower(100.0, &strays);
    assert!(analysis.latency.is_some(), "{:#?}", analysis.verdict);
    assert_eq!(analysis.traces, 306);
}

/// Nearly as late as 64 bits of nanoseconds allow.
const LATER_NS: u64 = 12_000_000_000_000_000_000;

/// The same spans at another time.
fn much_later(observations: &Observations) -> Observations {
    let (old, mut later) = (&observations.traces, Observations::default());
    let set = &mut later.traces;
    for symbol in 0..old.symbol_count() as u32 {
        set.intern(old.text(Symbol(symbol)));
    }
    for resource in old.resources() {
        set.resource(old.text(resource.service), old.text(resource.instance));
    }
    for span in old.spans() {
        set.push(Span {
            start_ns: span.start_ns + LATER_NS,
            end_ns: span.end_ns + LATER_NS,
            ..span.clone()
        });
    }
    later
}

#[test]
fn times_past_half_of_the_range_are_times() {
    let mut book = Book::default();
    run(&mut book, &System::default(), 5, 0.0, 60.0);
    let busy = System {
        embedder_ms: 250.0,
        ..System::default()
    };
    run(&mut book, &busy, 6, 100.0, 60.0);
    let observations = much_later(&book.observations);
    let prepared = Prepared::new(&observations);
    let later = |from_s, to_s| {
        let window = window(from_s, to_s);
        Window {
            start_ns: window.start_ns + LATER_NS,
            end_ns: window.end_ns + LATER_NS,
        }
    };
    let (now, before) = (later(100.0, 160.0), later(0.0, 60.0));
    let analysis = analyse(&prepared, &now, &before, &Config::default());
    let found = analysis.verdict.bottleneck();
    assert_eq!(found.expect("the embedder is slower").service, "embedder");
}
