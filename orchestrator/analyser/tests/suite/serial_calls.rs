//! Calls that could run at the same time and are made one after the other, and what looks like it.

use crate::common::{Book, span, window};
use ragdoll_analyser::{Bottleneck, Cause, Config, Prepared, analyse};
use ragdoll_trace::SpanKind;

/// Parts that a search asks.
const PARTS: usize = 4;

/// How the hub asks its parts.
#[derive(Clone, Copy)]
struct Shape {
    part_ms: f64,
    serial: bool,
}

/// Ten searches a second for a minute from `from_s` on, with durations that vary a little.
fn minute(book: &mut Book, from_s: f64, shape: Shape) {
    for number in 0..600 {
        let trace_id = (u128::from(from_s as u64 + 1) << 64) | (number as u128 + 1);
        let from_ms = from_s * 1e3 + 100.0 * number as f64;
        let wobble = 1.0 + 0.1 * ((number * 7) % 11) as f64 / 11.0;
        let (root, call, server) = (book.id(), book.id(), book.id());
        let start = from_ms + 5.0;
        let mut at = start + 1.0;
        let mut end = at;
        for part in 0..PARTS {
            let (client, answer) = (book.id(), book.id());
            let instance = format!("part-{part}");
            let to = at + shape.part_ms * wobble;
            let spec = span("part", &instance, "Get", at + 0.1, to - 0.1).kind(SpanKind::Server);
            book.add(trace_id, answer, spec.under(client));
            let spec = span("hub", "hub-0", "Get", at, to).kind(SpanKind::Client);
            let spec = spec.under(server).text("server.address", "part");
            book.add(trace_id, client, spec.text("server.instance", &instance));
            end = to;
            if shape.serial {
                at = to;
            }
        }
        let spec = span("hub", "hub-0", "Search", start, end + 1.0).kind(SpanKind::Server);
        book.add(trace_id, server, spec.under(call));
        let spec = span("front", "front-0", "Search", from_ms + 4.9, end + 1.1)
            .kind(SpanKind::Client)
            .under(root)
            .text("server.address", "hub");
        book.add(trace_id, call, spec);
        let spec = span("front", "front-0", "GET /", from_ms, end + 5.0).kind(SpanKind::Server);
        book.add(trace_id, root, spec);
    }
}

fn compare(before: Shape, after: Shape) -> Bottleneck {
    let mut book = Book::default();
    minute(&mut book, 0.0, before);
    minute(&mut book, 100.0, after);
    let prepared = Prepared::new(&book.observations);
    let analysis = analyse(
        &prepared,
        &window(100.0, 160.0),
        &window(0.0, 60.0),
        &Config::default(),
    );
    let found = analysis.verdict.bottleneck();
    found
        .unwrap_or_else(|| panic!("{:#?}", analysis.verdict))
        .clone()
}

fn shape(part_ms: f64, serial: bool) -> Shape {
    Shape { part_ms, serial }
}

#[test]
fn calls_that_are_made_one_after_the_other_are_their_callers_doing() {
    let found = compare(shape(20.0, false), shape(20.0, true));
    let place = (
        found.service.as_str(),
        found.cause,
        found.instance.as_deref(),
    );
    assert_eq!(place, ("hub", Cause::SerialCalls, None));
    assert!(found.explains > 0.9 && found.share > 0.5, "{found:#?}");
    let at_once = found
        .evidence
        .iter()
        .find(|one| one.what.contains("open at once"));
    let at_once = at_once.expect("the figure that shows it");
    assert!(
        at_once.value < 1.1 && at_once.baseline > Some(3.5),
        "{at_once:?}"
    );
}

#[test]
fn calls_that_take_longer_are_not_whether_at_once_or_in_turn() {
    for serial in [false, true] {
        let found = compare(shape(20.0, serial), shape(80.0, serial));
        assert_eq!(
            (found.service.as_str(), found.cause),
            ("part", Cause::Compute),
            "{serial}"
        );
    }
}
