//! Calls that a service refuses: because of a limit, for want of room, or without any order.

use ragdoll_analyser::{Cause, Config, Prepared, Verdict, analyse};
use ragdoll_trace::SpanKind;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::common::{Book, span, window};

/// Calls a second that arrive, and that a limit lets through.
const ARRIVALS: u32 = 12;
const LIMIT: usize = 8;

/// What the store does with one call.
struct Call {
    /// Wait that it records, then its work, in milliseconds.
    queued_ms: f64,
    work_ms: f64,
    refused_with: Option<&'static str>,
}

fn served(work_ms: f64) -> Call {
    Call {
        queued_ms: 0.0,
        work_ms,
        refused_with: None,
    }
}

fn refused(error: &'static str) -> Call {
    Call {
        refused_with: Some(error),
        ..served(0.5)
    }
}

#[derive(Clone, Copy)]
enum Arrivals {
    /// Independent of each other.
    Random,
    /// At equal distances.
    Regular,
}

impl Arrivals {
    /// When calls come within a second, in milliseconds.
    fn draw(self, rng: &mut Xoshiro256PlusPlus) -> Vec<f64> {
        match self {
            Arrivals::Random => {
                let count = (0..10 * ARRIVALS).filter(|_| rng.random_bool(0.1)).count();
                let mut all: Vec<f64> = (0..count).map(|_| rng.random_range(0.0..950.0)).collect();
                all.sort_by(f64::total_cmp);
                all
            }
            Arrivals::Regular => (0..ARRIVALS).map(|n| f64::from(n) * 80.0).collect(),
        }
    }
}

/// Arrivals of a minute from `from_s` on; `store` is told how many came before in the same second, and a
/// random number.
fn minute(book: &mut Book, from_s: u32, arrivals: Arrivals, store: impl Fn(usize, f64) -> Call) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(u64::from(from_s) + 1);
    for second in from_s..from_s + 60 {
        let within = arrivals.draw(&mut rng);
        for (before, ms) in within.into_iter().enumerate() {
            let call = store(before, rng.random());
            add(book, f64::from(second) * 1e3 + ms, &call);
        }
    }
}

fn add(book: &mut Book, at_ms: f64, call: &Call) {
    let (root, client, server) = (book.id(), book.id(), book.id());
    let trace_id = u128::from(root);
    let ends = at_ms + call.queued_ms + call.work_ms;
    if call.queued_ms > 0.0 {
        let wait = span(
            "store",
            "store-0",
            "queue.wait",
            at_ms,
            at_ms + call.queued_ms,
        );
        let id = book.id();
        book.add(trace_id, id, wait.under(server));
    }
    let served = span("store", "store-0", "Get", at_ms, ends)
        .kind(SpanKind::Server)
        .failed(call.refused_with)
        .under(client);
    book.add(trace_id, server, served);
    let called = span("front", "front-0", "Get", at_ms, ends)
        .kind(SpanKind::Client)
        .text("server.address", "store")
        .failed(call.refused_with)
        .under(root);
    book.add(trace_id, client, called);
    let whole = span("front", "front-0", "Ask", at_ms, ends).failed(call.refused_with);
    book.add(trace_id, root, whole.kind(SpanKind::Server));
}

/// The cause that is named at the store, and whether figures show it.
fn found(arrivals: Arrivals, store: impl Fn(usize, f64) -> Call) -> (Cause, bool) {
    let mut book = Book::default();
    minute(&mut book, 0, arrivals, |_, draw| served(25.0 + 10.0 * draw));
    minute(&mut book, 100, arrivals, store);
    let prepared = Prepared::new(&book.observations);
    let (baseline, now) = (window(0.0, 60.0), window(100.0, 160.0));
    let analysis = analyse(&prepared, &now, &baseline, &Config::default());
    let Verdict::Bottleneck(found) = analysis.verdict else {
        panic!("{:?}", analysis.verdict)
    };
    assert_eq!(found.service, "store");
    let shown = found
        .evidence
        .iter()
        .any(|figure| figure.what.contains("takes in a second"));
    (found.cause, shown)
}

const BOTH: [Arrivals; 2] = [Arrivals::Random, Arrivals::Regular];

#[test]
fn the_same_number_in_every_second_by_a_store_as_quick_as_before_is_a_limit() {
    for arrivals in BOTH {
        let found = found(arrivals, |before, draw| match before {
            0..LIMIT => served(25.0 + 10.0 * draw),
            _ => refused("RESOURCE_EXHAUSTED"),
        });
        assert_eq!(found, (Cause::RateLimit, true));
    }
}

#[test]
fn the_same_number_by_a_store_that_is_slower_or_says_so_is_a_full_queue() {
    for arrivals in BOTH {
        for (work_ms, error) in [
            (100.0, "RESOURCE_EXHAUSTED"),
            (25.0, "RejectedExecutionException"),
        ] {
            let found = found(arrivals, |before, draw| match before {
                0..LIMIT => served(work_ms + 10.0 * draw),
                _ => refused(error),
            });
            assert_eq!(found, (Cause::Queue, false), "{error}");
        }
    }
}

#[test]
fn refusals_without_order_are_no_limit_unless_they_say_so() {
    for (error, cause) in [
        ("RESOURCE_EXHAUSTED", Cause::Queue),
        ("429", Cause::RateLimit),
        ("openai.RateLimitError", Cause::RateLimit),
        ("ThrottlingException", Cause::RateLimit),
        ("KeyError", Cause::Errors),
    ] {
        for arrivals in BOTH {
            let found = found(arrivals, |_, draw| match draw {
                0.0..0.35 => refused(error),
                _ => served(25.0 + 10.0 * draw),
            });
            assert_eq!(found, (cause, false), "{error}");
        }
    }
}

#[test]
fn a_store_that_says_limit_while_calls_queue_has_a_full_queue() {
    let found = found(Arrivals::Random, |before, draw| match before {
        0..LIMIT => Call {
            queued_ms: 80.0,
            ..served(25.0 + 10.0 * draw)
        },
        _ => refused("429"),
    });
    assert_eq!(found, (Cause::Queue, false));
}
