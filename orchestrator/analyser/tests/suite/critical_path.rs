//! Who owns the time of a request, as a reader sees it: row by row, to the nanosecond.

use crate::common::{Book, span};
use ragdoll_analyser::{Cause, Prepared, waterfall};
use ragdoll_trace::SpanKind;

/// Rows of trace 1 that own time, with their cause and that time in milliseconds.
fn owners(book: &Book) -> Vec<(String, Cause, f64)> {
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    let total: f64 = rows.iter().map(|row| row.on_critical_path_ms).sum();
    assert!((total - rows[0].duration_ms).abs() < 1e-9, "{total}");
    rows.into_iter()
        .filter(|row| row.on_critical_path_ms > 0.0)
        .map(|row| {
            let ms = (row.on_critical_path_ms * 1e3).round() / 1e3;
            (format!("{} {}", row.service, row.name), row.cause, ms)
        })
        .collect()
}

fn owned(name: &str, cause: Cause, ms: f64) -> (String, Cause, f64) {
    (name.to_owned(), cause, ms)
}

/// A call with both sides; the callee's takes half a millisecond less at either end.
fn call(book: &mut Book, parent: u64, callee: &str, from: f64, to: f64) -> u64 {
    let (client, server) = (book.id(), book.id());
    let spec = span(callee, "0", "Get", from + 0.5, to - 0.5).kind(SpanKind::Server);
    book.add(1, server, spec.under(client));
    let spec = span("front", "0", "Get", from, to).kind(SpanKind::Client);
    book.add(1, client, spec.under(parent).text("server.address", callee));
    server
}

#[test]
fn a_fan_out_is_as_long_as_its_straggler_and_nobody_else_pays() {
    let mut book = Book::default();
    let root = book.id();
    book.add(
        1,
        root,
        span("front", "0", "GET /", 0.0, 50.0).kind(SpanKind::Server),
    );
    for (number, to) in [20.0, 45.0, 30.0].into_iter().enumerate() {
        call(&mut book, root, &format!("shard-{number}"), 5.0, to);
    }
    let expected = [
        owned("front GET /", Cause::Compute, 10.0),
        owned("front Get", Cause::Network, 1.0),
        owned("shard-1 Get", Cause::Compute, 39.0),
    ];
    assert_eq!(owners(&book), expected);
}

#[test]
fn a_message_that_is_handled_after_the_answer_owns_none_of_it() {
    let mut book = Book::default();
    let (root, send, handle) = (book.id(), book.id(), book.id());
    book.add(
        1,
        root,
        span("front", "0", "POST /", 0.0, 20.0).kind(SpanKind::Server),
    );
    let spec = span("front", "0", "jobs publish", 5.0, 7.0).kind(SpanKind::Producer);
    book.add(1, send, spec.under(root));
    let spec = span("worker", "0", "jobs process", 6.0, 90.0).kind(SpanKind::Consumer);
    book.add(1, handle, spec.under(send));
    let owners = owners(&book);
    assert!(
        owners.iter().all(|owner| !owner.0.starts_with("worker")),
        "{owners:?}"
    );
}

#[test]
fn a_hedge_that_wins_takes_over_from_the_copy_it_outran() {
    let mut book = Book::default();
    let root = book.id();
    book.add(
        1,
        root,
        span("front", "0", "GET /", 0.0, 50.0).kind(SpanKind::Server),
    );
    for (instance, from, to, error) in [
        ("index-0", 0.0, 40.2, Some("CANCELLED")),
        ("index-1", 20.0, 40.0, None),
    ] {
        let (client, server) = (book.id(), book.id());
        let spec = span("index", instance, instance, from, to).kind(SpanKind::Server);
        book.add(1, server, spec.under(client).failed(error));
        let mut spec = span("front", "0", "Get", from, to)
            .kind(SpanKind::Client)
            .under(root)
            .text("server.address", "index")
            .failed(error);
        if error.is_none() {
            spec = spec.int("rpc.hedge", 1);
        }
        book.add(1, client, spec);
    }
    let expected = [
        owned("front GET /", Cause::Compute, 10.0),
        owned("index index-0", Cause::Compute, 20.0),
        owned("index index-1", Cause::Compute, 20.0),
    ];
    assert_eq!(owners(&book), expected);
}

#[test]
fn a_caller_that_gives_up_waited_until_then() {
    let mut book = Book::default();
    let (root, client, server) = (book.id(), book.id(), book.id());
    let failed = Some("DEADLINE_EXCEEDED");
    let spec = span("front", "0", "GET /", 0.0, 30.0).kind(SpanKind::Server);
    book.add(1, root, spec.failed(failed));
    let spec = span("front", "0", "Get", 0.0, 30.0)
        .kind(SpanKind::Client)
        .under(root);
    book.add(1, client, spec.failed(failed));
    let spec = span("back", "0", "Get", 1.0, 400.0).kind(SpanKind::Server);
    book.add(1, server, spec.under(client));
    let expected = [
        owned("front Get", Cause::Network, 1.0),
        owned("back Get", Cause::Compute, 29.0),
    ];
    assert_eq!(owners(&book), expected);
}
