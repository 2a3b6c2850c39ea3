//! Systems that do not say which side of a call a span is on.

use ragdoll_analyser::{Cause, Prepared, waterfall};
use ragdoll_trace::SpanKind::{self, Client, Internal, Unspecified};

use super::{book, ms_by_service, origin, parts, web};
use crate::common::{Book, span};

/// Calls of `stock`, in which a third of the time passes on the way, and of a database that records
/// nothing.
fn shop(kind: SpanKind) -> Book {
    book(|at| {
        let work = span("stock", "stock-0", "find", at + 20.0, at + 60.0);
        let ask = span("stock", "stock-0", "select", at + 30.0, at + 50.0);
        vec![
            (None, web("shop", at, at + 100.0).kind(kind)),
            (Some(0), web("stock", at + 10.0, at + 70.0).kind(kind)),
            (Some(1), work.kind(kind)),
            (Some(2), ask.kind(kind).text("db.system", "mysql")),
        ]
    })
}

#[test]
fn sides_of_calls_are_told_by_the_services() {
    for kind in [Unspecified, Internal] {
        let book = shop(kind);
        let rows = waterfall(&Prepared::new(&book.observations), 1);
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.on_critical_path_ms, row.cause))
            .collect();
        let expected = [
            ("shop", 40.0, Cause::Compute),
            ("stock", 20.0, Cause::Network),
            ("find", 20.0, Cause::Compute),
            ("select", 20.0, Cause::Compute),
        ];
        assert_eq!(found, expected, "{kind:?}");
        let owners = parts([("mysql", 20.0), ("stock", 40.0), ("web", 40.0)]);
        assert_eq!(ms_by_service(&book, 100.0), owners, "{kind:?}");
    }
}

#[test]
fn inner_spans_of_a_system_that_says_sides_are_inner() {
    let mut book = shop(Internal);
    for service in ["web", "stock"] {
        let id = book.id();
        book.add(
            999,
            id,
            span(service, &format!("{service}-0"), "call", 1.0, 2.0).kind(Client),
        );
    }
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    assert!(
        rows.iter().all(|row| row.cause == Cause::Compute),
        "{rows:#?}"
    );
}

#[test]
fn a_call_without_sides_that_is_not_answered_is_its_callees_doing() {
    for kind in [Unspecified, Internal] {
        let book = book(|at| {
            let call = web("charge", at + 10.0, at + 90.0).kind(kind);
            vec![
                (
                    None,
                    web("shop", at, at + 100.0).kind(kind).failed(Some("500")),
                ),
                (
                    Some(0),
                    call.text("peer.service", "payment").failed(Some("refused")),
                ),
            ]
        });
        assert_eq!(
            origin(&book),
            ("payment".to_owned(), "refused".to_owned()),
            "{kind:?}"
        );
    }
}

#[test]
fn a_wrong_clock_is_put_right_without_sides_too() {
    for kind in [Unspecified, Internal] {
        let book = book(|at| {
            let work = span("stock", "stock-0", "find", at + 5000.0, at + 5040.0);
            vec![
                (None, web("shop", at, at + 100.0).kind(kind)),
                (Some(0), web("stock", at + 10.0, at + 70.0).kind(kind)),
                (Some(1), work.kind(kind)),
            ]
        });
        let expected = parts([("stock", 60.0), ("web", 40.0)]);
        assert_eq!(ms_by_service(&book, 100.0), expected, "{kind:?}");
        let rows = waterfall(&Prepared::new(&book.observations), 1);
        assert!((rows[2].start_ms - 20.0).abs() < 1e-6, "{kind:?}");
    }
}

#[test]
fn what_takes_longer_than_its_call_may_be_a_message_and_is_left_where_it_is() {
    let book = book(|at| {
        let handle = span("mail", "mail-0", "handle", at + 14.0, at + 64.0);
        vec![
            (None, web("shop", at, at + 100.0).kind(Unspecified)),
            (Some(0), web("send", at + 10.0, at + 15.0).kind(Unspecified)),
            (Some(1), handle.kind(Unspecified)),
        ]
    });
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    assert!((rows[2].start_ms - 14.0).abs() < 1e-6);
}
