//! Each rule that corrects the first guess, on populations made to need it.

use crate::common::{Book, span, window};
use ragdoll_analyser::{Bottleneck, Cause, Config, Figure, Prepared, analyse};
use ragdoll_trace::SpanKind;

/// What the back end does for request `number`: its instance, the caller's own work, its network
/// time, and its parts one after the other, of which "self" leaves no span and "call" is a call of
/// the store.
struct Shape {
    instance: usize,
    network_ms: f64,
    /// How long the caller waits in vain before its call that is answered.
    failed_ms: f64,
    parts: Vec<(&'static str, f64)>,
}

impl Shape {
    fn new(parts: &[(&'static str, f64)]) -> Self {
        Shape {
            instance: 0,
            network_ms: 0.2,
            failed_ms: 0.0,
            parts: parts.to_vec(),
        }
    }
}

/// Ten requests a second for a minute from `from_s` on, with durations that vary a little.
fn minute(book: &mut Book, from_s: f64, shape: impl Fn(usize) -> Shape) {
    for number in 0..600 {
        let trace_id = (u128::from(from_s as u64 + 1) << 64) | (number as u128 + 1);
        let from_ms = from_s * 1e3 + 100.0 * number as f64;
        let wobble = 1.0 + 0.1 * ((number * 7) % 11) as f64 / 11.0;
        let shape = shape(number);
        let (root, call, server) = (book.id(), book.id(), book.id());
        let instance = format!("back-{}", shape.instance);
        let called = from_ms + 5.0 + shape.failed_ms * wobble;
        if shape.failed_ms > 0.0 {
            let failed = span("front", "front-0", "Work", from_ms + 5.0, called)
                .kind(SpanKind::Client)
                .under(root)
                .text("server.address", "back")
                .text("server.instance", &instance)
                .failed(Some("UNAVAILABLE"));
            let id = book.id();
            book.add(trace_id, id, failed);
        }
        let start = called + shape.network_ms / 2.0;
        let mut at = start;
        for (name, ms) in shape.parts {
            let to = at + ms * wobble;
            if name == "call" {
                let (client, store) = (book.id(), book.id());
                let spec = span("store", "store-0", "Get", at, to).kind(SpanKind::Server);
                book.add(trace_id, store, spec.under(client));
                let spec = span("back", &instance, "Get", at, to).kind(SpanKind::Client);
                book.add(
                    trace_id,
                    client,
                    spec.under(server).text("server.address", "store"),
                );
            } else if name != "self" {
                let id = book.id();
                book.add(
                    trace_id,
                    id,
                    span("back", &instance, name, at, to).under(server),
                );
            }
            at = to;
        }
        let spec = span("back", &instance, "Work", start, at).kind(SpanKind::Server);
        book.add(trace_id, server, spec.under(call));
        let end = at + shape.network_ms / 2.0;
        let spec = span("front", "front-0", "Work", called, end)
            .kind(SpanKind::Client)
            .under(root)
            .text("server.address", "back")
            .text("server.instance", &instance);
        book.add(trace_id, call, spec);
        let spec = span("front", "front-0", "GET /", from_ms, end + 5.0).kind(SpanKind::Server);
        book.add(trace_id, root, spec);
    }
}

fn verdict(book: &Book) -> Bottleneck {
    let prepared = Prepared::new(&book.observations);
    let analysis = analyse(
        &prepared,
        &window(100.0, 160.0),
        &window(0.0, 60.0),
        &Config::default(),
    );
    let Some(found) = analysis.verdict.bottleneck() else {
        panic!("{:#?}", analysis.verdict);
    };
    found.clone()
}

/// Same parts for every request: before and after.
fn compare(before: &[(&'static str, f64)], after: &[(&'static str, f64)]) -> Bottleneck {
    let mut book = Book::default();
    minute(&mut book, 0.0, |_| Shape::new(before));
    minute(&mut book, 100.0, |_| Shape::new(after));
    verdict(&book)
}

#[test]
fn a_wait_for_a_connection_that_a_lock_explains_is_the_locks() {
    let found = compare(
        &[
            ("pool.acquire", 2.0),
            ("lock.wait", 2.0),
            ("lock.hold", 5.0),
            ("self", 5.0),
        ],
        &[
            ("pool.acquire", 90.0),
            ("lock.wait", 30.0),
            ("lock.hold", 10.0),
            ("self", 5.0),
        ],
    );
    assert_eq!((found.service.as_str(), found.cause), ("back", Cause::Lock));
}

#[test]
fn a_wait_for_a_connection_that_nothing_explains_is_the_pools() {
    let found = compare(
        &[("pool.acquire", 2.0), ("self", 10.0)],
        &[("pool.acquire", 40.0), ("self", 10.0)],
    );
    assert_eq!(
        (found.service.as_str(), found.cause),
        ("back", Cause::ConnectionPool)
    );
}

#[test]
fn a_queue_before_a_caller_of_something_slow_is_not_the_callers() {
    let found = compare(
        &[("queue.wait", 2.0), ("call", 10.0), ("self", 5.0)],
        &[("queue.wait", 120.0), ("call", 60.0), ("self", 5.0)],
    );
    assert_eq!(
        (found.service.as_str(), found.cause),
        ("store", Cause::Compute)
    );
}

#[test]
fn withheld_processor_time_and_collections_explain_a_queue() {
    for (part, cause) in [("cpu.throttled", Cause::Cpu), ("gc.pause", Cause::Memory)] {
        let found = compare(
            &[("queue.wait", 2.0), ("self", 10.0)],
            &[("queue.wait", 60.0), (part, 30.0), ("self", 10.0)],
        );
        assert_eq!((found.service.as_str(), found.cause), ("back", cause));
    }
}

#[test]
fn a_queue_while_the_kv_cache_is_full_and_the_batch_is_not() {
    let mut book = Book::default();
    minute(&mut book, 0.0, |_| {
        Shape::new(&[("queue.wait", 2.0), ("self", 10.0)])
    });
    minute(&mut book, 100.0, |_| {
        Shape::new(&[("queue.wait", 50.0), ("self", 10.0)])
    });
    for second in 0..60 {
        for (from_s, cache) in [(0.0, 0.4), (100.0, 0.97)] {
            let at_ms = (from_s + f64::from(second)) * 1e3;
            book.gauge(at_ms, "back", "vllm:kv_cache_usage_perc", cache);
            book.gauge(at_ms, "back", "worker.utilization", 0.3);
        }
    }
    assert_eq!(verdict(&book).cause, Cause::KvCache);
}

#[test]
fn a_queue_before_fewer_servers_that_are_a_little_slower_too() {
    for (utilization, cause) in [(0.28, Cause::Compute), (0.95, Cause::Queue)] {
        let mut book = Book::default();
        minute(&mut book, 0.0, |_| {
            Shape::new(&[("queue.wait", 2.0), ("self", 10.0)])
        });
        minute(&mut book, 100.0, |_| {
            Shape::new(&[("queue.wait", 50.0), ("self", 14.0)])
        });
        for second in 0..60 {
            let at_ms = f64::from(second) * 1e3;
            book.gauge(at_ms, "back", "worker.utilization", 0.2);
            book.gauge(100_000.0 + at_ms, "back", "worker.utilization", utilization);
        }
        assert_eq!(verdict(&book).cause, cause);
    }
}

#[test]
fn the_network_to_a_callee_is_the_callees() {
    let mut book = Book::default();
    minute(&mut book, 0.0, |_| Shape::new(&[("self", 10.0)]));
    minute(&mut book, 100.0, |_| {
        let mut shape = Shape::new(&[("self", 10.0)]);
        shape.network_ms = 25.0;
        shape
    });
    let found = verdict(&book);
    assert_eq!(
        (found.service.as_str(), found.cause),
        ("back", Cause::Network)
    );
}

#[test]
fn one_of_several_instances_with_a_queue_is_named() {
    let mut book = Book::default();
    for (from_s, wait_ms) in [(0.0, 2.0), (100.0, 80.0)] {
        minute(&mut book, from_s, |number| {
            let instance = number % 3;
            let wait_ms = if instance == 1 { wait_ms } else { 2.0 };
            let mut shape = Shape::new(&[("queue.wait", wait_ms), ("self", 10.0)]);
            shape.instance = instance;
            shape
        });
    }
    let found = verdict(&book);
    assert_eq!(
        (found.service.as_str(), found.cause),
        ("back", Cause::Queue)
    );
    assert_eq!(found.instance.as_deref(), Some("back-1"));
}

#[test]
fn instances_that_take_turns_are_no_stragglers() {
    let mut book = Book::default();
    for (from_s, slow_ms) in [(0.0, 10.0), (100.0, 90.0)] {
        minute(&mut book, from_s, |number| {
            let instance = number % 3;
            let mut shape = Shape::new(&[("self", if instance == 1 { slow_ms } else { 10.0 })]);
            shape.instance = instance;
            shape
        });
    }
    let found = verdict(&book);
    assert_eq!(found.cause, Cause::Compute);
    assert_eq!(found.instance.as_deref(), Some("back-1"));
}

#[test]
fn an_instance_that_does_not_answer_is_shown_by_its_share() {
    let mut book = Book::default();
    for (from_s, failed_ms) in [(0.0, 0.0), (100.0, 60.0)] {
        minute(&mut book, from_s, |number| {
            let mut shape = Shape::new(&[("self", 10.0)]);
            shape.instance = number % 3;
            shape.failed_ms = if shape.instance == 1 { failed_ms } else { 0.0 };
            shape
        });
    }
    let found = verdict(&book);
    assert!(
        matches!(found.cause, Cause::Retries | Cause::Errors),
        "{found:#?}"
    );
    assert_eq!(found.instance.as_deref(), Some("back-1"));
    let empty = |figure: &&Figure| figure.value == 0.0 && figure.baseline == Some(0.0);
    assert_eq!(found.evidence.iter().find(empty), None, "it shows nothing");
    let share = found.evidence.iter().find(|figure| {
        let what = &figure.what;
        what.contains("of back that are back-1's")
    });
    let share = share.unwrap_or_else(|| panic!("{:#?}", found.evidence));
    assert_eq!((share.value, share.unit.as_str()), (100.0, "%"));
}
