//! A window and its baseline, found in traces of which nobody said when what began.

use crate::common::system::Station;
use crate::common::{Book, ns, span};
use ragdoll_analyser::{Config, Prepared, Window, find_window};
use ragdoll_trace::SpanKind;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What requests are like that start at some second.
#[derive(Clone, Copy)]
struct Level {
    median_ms: f64,
    error_share: f64,
    arrivals_per_s: f64,
}

const USUAL: Level = Level {
    median_ms: 100.0,
    error_share: 0.01,
    arrivals_per_s: 10.0,
};

const SECONDS: f64 = 120.0;

fn exponential(rng: &mut Xoshiro256PlusPlus, mean: f64) -> f64 {
    -mean * (1.0 - rng.random::<f64>()).ln()
}

fn add(book: &mut Book, number: usize, at_ms: f64, duration_ms: f64, failed: bool) {
    let id = book.id();
    let spec = span("front", "front-0", "GET /", at_ms, at_ms + duration_ms)
        .kind(SpanKind::Server)
        .failed(failed.then_some("500"));
    book.add(number as u128 + 1, id, spec);
}

/// Two minutes of requests of which none has to do with another.
fn series(seed: u64, level: impl Fn(f64) -> Level) -> Book {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut book = Book::default();
    let mut now_ms = 0.0;
    for number in 0.. {
        let here = level(now_ms / 1e3);
        now_ms += exponential(&mut rng, 1e3 / here.arrivals_per_s);
        if now_ms >= SECONDS * 1e3 {
            break;
        }
        let here = level(now_ms / 1e3);
        // The sum of four draws is bell-shaped enough: latencies are as skewed as usual.
        let bell: f64 = (0..4).map(|_| rng.random::<f64>() - 0.5).sum();
        let failed = rng.random::<f64>() < here.error_share;
        add(
            &mut book,
            number,
            now_ms,
            here.median_ms * bell.exp(),
            failed,
        );
    }
    book
}

/// Two minutes of requests that queue for one server, which is busy most of the time.
fn queueing(seed: u64, utilisation: f64) -> Book {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut book = Book::default();
    let mut server = Station::new(1);
    let mut now_ms = 0.0;
    for number in 0.. {
        now_ms += exponential(&mut rng, 100.0);
        if now_ms >= SECONDS * 1e3 {
            break;
        }
        let work_ms = exponential(&mut rng, 100.0 * utilisation);
        let end_ms = server.start(now_ms, work_ms) + work_ms;
        add(&mut book, number, now_ms, end_ms - now_ms, false);
    }
    book
}

fn found(book: &Book) -> Option<(Window, Window)> {
    find_window(&Prepared::new(&book.observations), &Config::default())
}

/// Start and end in seconds after the epoch of these traces.
fn seconds(window: &Window) -> (f64, f64) {
    let second = |time_ns: u64| (time_ns as f64 - ns(0.0) as f64) / 1e9;
    (second(window.start_ns), second(window.end_ns))
}

/// Seconds by which a boundary may be off: two blocks and a half.
const NEAR_S: f64 = 5.0;

fn assert_near(window: &Window, expected: (f64, f64)) {
    let (from, to) = seconds(window);
    let is_near = (from - expected.0).abs() <= NEAR_S && (to - expected.1).abs() <= NEAR_S;
    assert!(is_near, "{from:.1} to {to:.1} s, not {expected:?}");
}

fn assert_found(book: &Book, baseline: (f64, f64), window: (f64, f64)) {
    let (found_baseline, found_window) = found(book).expect("something changed");
    assert_near(&found_baseline, baseline);
    assert_near(&found_window, window);
    let apart = found_baseline.end_ns <= found_window.start_ns
        || found_window.end_ns <= found_baseline.start_ns;
    assert!(apart, "{found_baseline:?} and {found_window:?} overlap");
}

#[test]
fn a_step_of_latency_splits_the_time_in_two() {
    for seed in 0..5 {
        let book = series(seed, |second| Level {
            median_ms: if second < 70.0 { 100.0 } else { 180.0 },
            ..USUAL
        });
        assert_found(&book, (0.0, 70.0), (70.0, SECONDS));
    }
}

#[test]
fn a_step_of_errors_splits_the_time_in_two() {
    for seed in 0..5 {
        let book = series(seed, |second| Level {
            error_share: if second < 50.0 { 0.01 } else { 0.2 },
            ..USUAL
        });
        assert_found(&book, (0.0, 50.0), (50.0, SECONDS));
    }
}

#[test]
fn fewer_answers_split_the_time_in_two() {
    let book = series(1, |second| Level {
        arrivals_per_s: if second < 60.0 { 20.0 } else { 8.0 },
        ..USUAL
    });
    assert_found(&book, (0.0, 60.0), (60.0, SECONDS));
}

#[test]
fn a_window_that_ends_is_compared_with_what_was_before() {
    for seed in 0..5 {
        let book = series(seed, |second| Level {
            median_ms: if (60.0..85.0).contains(&second) {
                250.0
            } else {
                100.0
            },
            ..USUAL
        });
        assert_found(&book, (0.0, 60.0), (60.0, 85.0));
    }
}

#[test]
fn what_is_slow_from_the_start_is_compared_with_what_came_after() {
    let book = series(3, |second| Level {
        median_ms: if second < 30.0 { 300.0 } else { 100.0 },
        ..USUAL
    });
    assert_found(&book, (30.0, SECONDS), (0.0, 30.0));
}

#[test]
fn a_good_time_between_two_bad_ones_is_the_baseline() {
    let book = series(3, |second| Level {
        median_ms: if (20.0..50.0).contains(&second) {
            100.0
        } else {
            300.0
        },
        ..USUAL
    });
    assert_found(&book, (20.0, 50.0), (50.0, SECONDS));
}

#[test]
fn a_drift_is_cut_somewhere_in_its_middle() {
    let book = series(4, |second| Level {
        median_ms: 100.0 * (1.0 + 2.0 * second / SECONDS),
        ..USUAL
    });
    let (baseline, window) = found(&book).expect("three times as slow in the end");
    let cut = seconds(&window).0;
    assert!((30.0..90.0).contains(&cut), "{cut:.1}");
    assert!(seconds(&baseline).0 < 1.0 && seconds(&window).1 > SECONDS - 1.0);
}

#[test]
fn what_is_significant_but_small_is_no_change() {
    let book = series(5, |second| Level {
        median_ms: if second < 60.0 { 100.0 } else { 103.0 },
        error_share: 0.0,
        arrivals_per_s: 100.0,
    });
    assert_eq!(found(&book), None);
}

#[test]
fn a_change_for_the_better_under_load_is_named_the_other_way_round() {
    let book = series(6, |second| Level {
        arrivals_per_s: if second < 60.0 { 8.0 } else { 20.0 },
        ..USUAL
    });
    assert_found(&book, (60.0, SECONDS), (0.0, 60.0));
}

#[test]
fn too_few_requests_tell_nothing() {
    let book = series(7, |second| Level {
        median_ms: if second < 60.0 { 100.0 } else { 1000.0 },
        arrivals_per_s: 1.0,
        ..USUAL
    });
    assert_eq!(found(&book), None);
}

/// Of 200 series in which nothing changes, half of them with queues, whose requests are alike when
/// they are neighbours, less than 2 % raise a false alarm.
#[test]
fn where_nothing_changes_hardly_ever_anything_is_found() {
    let independent = (0..100).filter(|&seed| found(&series(1000 + seed, |_| USUAL)).is_some());
    let queued = (0..100).filter(|&seed| found(&queueing(2000 + seed, 0.6)).is_some());
    let (independent, queued) = (independent.count(), queued.count());
    assert!(
        independent + queued < 4,
        "{independent} and {queued} false alarms"
    );
}
