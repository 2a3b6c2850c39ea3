//! What a request waits for.

use ragdoll_trace::SpanKind::{Client, Consumer, Producer};

use super::{book, get, ms_by_service, parts, root, served, web};
use crate::common::span;

#[test]
fn a_call_that_outlives_the_span_that_made_it_was_not_waited_for() {
    let call = |at: f64, root: super::Placed| {
        vec![
            root,
            (
                Some(0),
                get(at + 10.0, at + 300.0).text("peer.service", "audit"),
            ),
            (Some(1), served("audit", at + 20.0, at + 290.0)),
        ]
    };
    let alone = book(|at| call(at, root(at, at + 100.0)));
    assert_eq!(ms_by_service(&alone, 100.0), parts([("web", 100.0)]));
    // A span that failed was broken off while it waited.
    let failed = book(|at| {
        let (_, root) = root(at, at + 100.0);
        call(at, (None, root.failed(Some("500"))))
    });
    let found = super::analysed(&failed).error_origins;
    assert_eq!(found[0].service, "web");
    // Of another process it is not known whose clock is wrong.
    let elsewhere = book(|at| {
        let call = span("proxy", "proxy-0", "GET", at + 10.0, at + 300.0).kind(Client);
        vec![
            root(at, at + 100.0),
            (Some(0), call.text("peer.service", "audit")),
        ]
    });
    let found = ms_by_service(&elsewhere, 100.0);
    assert_eq!(found, parts([("audit", 90.0), ("web", 10.0)]));
}

#[test]
fn a_message_is_handled_while_nobody_waits() {
    let book = book(|at| {
        let send = web("orders publish", at + 10.0, at + 12.0).kind(Producer);
        let handle = span(
            "billing",
            "billing-0",
            "orders process",
            at + 12.0,
            at + 92.0,
        );
        vec![
            root(at, at + 50.0),
            (Some(0), send.text("messaging.system", "kafka")),
            (Some(1), handle.kind(Consumer)),
        ]
    });
    let found = ms_by_service(&book, 50.0);
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        ["billing", "web"],
        "{found:?}"
    );
    // The time of sending is put down to whom it is sent to.
    assert_eq!(found, parts([("billing", 2.0), ("web", 48.0)]));
}
