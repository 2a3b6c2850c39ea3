//! Slower work that is not the work's doing, as logs and gauges of the host say.

use crate::common::{Book, span, window};
use ragdoll_analyser::{Bottleneck, Cause, Config, Prepared, analyse};
use ragdoll_trace::{Attribute, Severity, SpanKind, Value};

/// A minute from `from_s` in which each request has `work_ms` of work at the back end, and every tenth
/// of them `slow_ms`.
fn minute(book: &mut Book, from_s: f64, work_ms: f64, slow_ms: f64) {
    for number in 0..600_usize {
        let trace_id = (from_s as u128 + 1) * 10_000 + number as u128;
        let from_ms = from_s * 1e3 + number as f64 * 100.0;
        let wobble = 1.0 + (number % 7) as f64 / 100.0;
        let length_ms = if number % 10 == 0 { slow_ms } else { work_ms } * wobble;
        let (root, call, server) = (book.id(), book.id(), book.id());
        let to_ms = from_ms + 2.0 + length_ms;
        let served = span("back", "back-0", "Work", from_ms + 1.0, to_ms - 1.0);
        book.add(trace_id, server, served.kind(SpanKind::Server).under(call));
        let called = span("front", "front-0", "Work", from_ms + 0.9, to_ms - 0.9)
            .kind(SpanKind::Client)
            .under(root)
            .text("server.address", "back")
            .text("server.instance", "back-0");
        book.add(trace_id, call, called);
        let asked = span("front", "front-0", "Ask", from_ms, to_ms).kind(SpanKind::Server);
        book.add(trace_id, root, asked);
    }
}

fn slower() -> Book {
    let mut book = Book::default();
    minute(&mut book, 0.0, 20.0, 20.0);
    minute(&mut book, 100.0, 20.0, 600.0);
    book
}

fn verdict(book: &Book) -> Bottleneck {
    let prepared = Prepared::new(&book.observations);
    let (now, before) = (window(100.0, 160.0), window(0.0, 60.0));
    let analysis = analyse(&prepared, &now, &before, &Config::default());
    analysis.verdict.bottleneck().expect("it is slower").clone()
}

fn steal(book: &mut Book, from_s: f64, share: f64) {
    for second in 0..60 {
        let at_ms = (from_s + f64::from(second)) * 1e3;
        book.gauge(at_ms, "back", "system.cpu.utilization.steal", share);
    }
}

fn pauses(book: &mut Book, from_s: f64, count: u32, pause_ms: i64) {
    for number in 0..count {
        let at_ms = (from_s + f64::from(number)) * 1e3;
        book.log(at_ms, Severity::Warn, "back", "garbage collection");
        let key = book.observations.traces.intern("pause_ms");
        let line = book.observations.logs.last_mut().expect("just added");
        line.fields = Box::new([Attribute::new(key, Value::Int(pause_ms))]);
    }
}

#[test]
fn without_a_sign_slower_work_is_the_works() {
    assert_eq!(verdict(&slower()).cause, Cause::Compute);
}

#[test]
fn work_on_stolen_processors_is_short_of_processor_time() {
    let mut book = slower();
    steal(&mut book, 0.0, 0.0);
    steal(&mut book, 100.0, 0.4);
    let found = verdict(&book);
    assert_eq!((&*found.service, found.cause), ("back", Cause::Cpu));
    let what = "processor time that others took from back-0";
    assert!(
        found.evidence.iter().any(|figure| figure.what == what),
        "{found:#?}"
    );
}

#[test]
fn processors_that_were_always_shared_explain_nothing_new() {
    let mut book = slower();
    steal(&mut book, 0.0, 0.4);
    steal(&mut book, 100.0, 0.4);
    assert_eq!(verdict(&book).cause, Cause::Compute);
}

#[test]
fn long_pauses_explain_slow_requests_and_short_ones_do_not() {
    let mut book = slower();
    pauses(&mut book, 100.0, 12, 600);
    let found = verdict(&book);
    assert_eq!((&*found.service, found.cause), ("back", Cause::Memory));
    let mut book = slower();
    pauses(&mut book, 100.0, 60, 20);
    assert_eq!(verdict(&book).cause, Cause::Compute, "none is long enough");
    let mut book = slower();
    pauses(&mut book, 0.0, 12, 600);
    pauses(&mut book, 100.0, 12, 600);
    assert_eq!(
        verdict(&book).cause,
        Cause::Compute,
        "it paused as much before"
    );
}
