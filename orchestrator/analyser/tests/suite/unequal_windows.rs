//! Windows that have little in common: sixty requests against a thousand, a request of another day, two
//! recordings in one, several operations beside each other. Nothing of that is a change by itself.

mod calls;
mod operations;
mod outliers;

use crate::common::{Book, span, window};
use ragdoll_analyser::{Analysis, Config, Prepared, Verdict, analyse};
use ragdoll_trace::SpanKind;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

pub(crate) type Rng = Xoshiro256PlusPlus;

const DRAWS: u64 = 200;

/// Wrong alarms of 200 draws that are allowed: each of a handful of tests may give 1 in 1,000.
const FALSE_ALARMS_MAX: usize = 3;

pub(crate) fn rng(seed: u64) -> Rng {
    Rng::seed_from_u64(seed)
}

pub(crate) fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    let uniform: f64 = rng.random();
    -mean * (1.0 - uniform).ln()
}

/// One request without calls.
pub(crate) struct Plain<'a> {
    pub(crate) service: &'a str,
    pub(crate) name: &'a str,
    pub(crate) start_ms: f64,
    pub(crate) duration_ms: f64,
    pub(crate) failed: bool,
}

impl Plain<'_> {
    pub(crate) fn write(&self, book: &mut Book) {
        let id = book.id();
        let instance = format!("{}-0", self.service);
        let end_ms = self.start_ms + self.duration_ms;
        let root = span(self.service, &instance, self.name, self.start_ms, end_ms)
            .kind(SpanKind::Server)
            .failed(self.failed.then_some("500"));
        book.add(u128::from(id), id, root);
    }
}

/// So many requests spread evenly over a time, of which each is drawn.
fn write(
    book: &mut Book,
    (from_s, seconds, count): (f64, f64, usize),
    mut draw: impl FnMut() -> (f64, bool),
) {
    for number in 0..count {
        let (duration_ms, failed) = draw();
        let start_ms = 1e3 * (from_s + seconds * number as f64 / count as f64);
        let plain = Plain {
            service: "shop",
            name: "GET /",
            start_ms,
            duration_ms,
            failed,
        };
        plain.write(book);
    }
}

pub(crate) fn judged(book: &Book, now: (f64, f64), before: (f64, f64)) -> Analysis {
    let prepared = Prepared::new(&book.observations);
    let (now, before) = (window(now.0, now.1), window(before.0, before.1));
    analyse(&prepared, &now, &before, &Config::default())
}

/// Seconds and requests of a window.
type Size = (f64, usize);

/// How often something is said to have changed where nothing did.
fn false_alarms(before: Size, now: Size, draw: impl Fn(&mut Rng) -> (f64, bool)) -> usize {
    let is_wrong = |&seed: &u64| {
        let mut rng = rng(seed);
        let mut book = Book::default();
        write(&mut book, (0.0, before.0, before.1), || draw(&mut rng));
        write(&mut book, (10_000.0, now.0, now.1), || draw(&mut rng));
        let end_s = 10_000.0 + now.0;
        let analysis = judged(&book, (10_000.0, end_s), (0.0, before.0));
        matches!(analysis.verdict, Verdict::Bottleneck(_))
    };
    (0..DRAWS).filter(is_wrong).count()
}

/// The same rates for other lengths, the same length at other rates, each way round.
const SIZES: [(Size, Size); 3] = [
    ((60.0, 60), (1000.0, 1000)),
    ((60.0, 60), (60.0, 1000)),
    ((1000.0, 1000), (60.0, 60)),
];

fn assert_quiet(draw: impl Fn(&mut Rng) -> (f64, bool)) {
    for (before, now) in SIZES {
        let wrong = false_alarms(before, now, &draw);
        assert!(
            wrong <= FALSE_ALARMS_MAX,
            "{wrong} of {DRAWS} for {before:?} against {now:?}"
        );
    }
}

#[test]
fn as_many_failures_as_ever_are_no_change_in_windows_of_any_size() {
    for share in [0.012, 0.05] {
        assert_quiet(|rng| (20.0, rng.random::<f64>() < share));
    }
}

#[test]
fn durations_that_scatter_as_ever_are_no_change_in_windows_of_any_size() {
    assert_quiet(|rng| (exponential(rng, 50.0), false));
}

#[test]
fn rare_long_requests_are_no_change_in_windows_of_any_size() {
    assert_quiet(|rng| {
        let is_long = rng.random::<f64>() < 0.04;
        let mean = if is_long { 400.0 } else { 20.0 };
        (mean * (0.5 + rng.random::<f64>()), false)
    });
}

#[test]
fn a_change_is_found_in_windows_of_any_size() {
    for (before, now) in SIZES {
        let mut rng = rng(7);
        let mut book = Book::default();
        write(&mut book, (0.0, before.0, before.1), || {
            (exponential(&mut rng, 50.0), false)
        });
        write(&mut book, (10_000.0, now.0, now.1), || {
            (exponential(&mut rng, 150.0), rng.random::<f64>() < 0.3)
        });
        let analysis = judged(&book, (10_000.0, 10_000.0 + now.0), (0.0, before.0));
        assert!(
            analysis.errors.is_some() && analysis.latency.is_some(),
            "{now:?}"
        );
    }
}
