//! What is repaired is said, and called what it is.

use std::num::NonZeroU64;

use ragdoll_analyser::{Prepared, waterfall};
use ragdoll_trace::SpanKind::{Consumer, Producer};
use ragdoll_trace::{Link, Span, Status};

use super::{analysed, book, get, ms_by_service, parts, root, served, web};
use crate::common::{Book, ns, span};

#[test]
fn clocks_that_were_put_right_are_counted() {
    let book = book(|at| {
        vec![
            root(at, at + 100.0),
            (Some(0), get(at + 10.0, at + 70.0)),
            (Some(1), served("stock", at + 5000.0, at + 5040.0)),
            (
                Some(2),
                span("stock", "stock-0", "query", at + 5010.0, at + 5020.0),
            ),
        ]
    });
    insta::assert_snapshot!(analysed(&book).notes.join("\n"), @"clocks differ: 200 spans were moved into the calls that they serve, by up to 4980.0 ms (stock)");
    // The answer that a server goes on with for a moment is no sign of a wrong clock.
    let book = self::book(|at| {
        vec![
            root(at, at + 100.0),
            (Some(0), get(at + 10.0, at + 70.0)),
            (Some(1), served("stock", at + 11.0, at + 70.3)),
        ]
    });
    assert_eq!(analysed(&book).notes, [""; 0]);
}

#[test]
fn circles_are_counted() {
    let mut book = Book::default();
    book.add(1, 1, root(0.0, 100.0).1);
    for (id, parent) in [(2, 3), (3, 4), (4, 2), (5, 5)] {
        book.add(1, id, web("round", 10.0, 20.0).under(parent));
    }
    insta::assert_snapshot!(analysed(&book).notes.join("\n"), @"2 circles of spans that are each other's ancestors were cut");
}

#[test]
fn several_roots_are_not_called_lost_parents() {
    let mut book = Book::default();
    book.add(1, 1, root(0.0, 100.0).1);
    book.add(1, 2, served("stock", 10.0, 20.0));
    book.add(1, 3, served("stock", 30.0, 40.0).under(77));
    book.add(2, 4, root(0.0, 100.0).1);
    insta::assert_snapshot!(analysed(&book).notes.join("\n"), @"
    1 spans name a parent that is missing; they were put under the call that they belong to, or under the root
    1 span names no parent and is not the first such of its trace; it was put under the call that was open, or under the first
    ");
}

/// A handler of a message that has a link to its sender and no parent.
fn linked(book: &mut Book, trace_id: u128, id: u64, to: (u128, u64)) {
    let set = &mut book.observations.traces;
    let (resource, name) = (
        set.resource("billing", "billing-0"),
        set.intern("orders process"),
    );
    set.push(Span {
        trace_id,
        span_id: id,
        parent_id: None::<NonZeroU64>,
        start_ns: ns(20.0),
        end_ns: ns(95.0),
        attributes: Box::default(),
        links: Box::new([Link {
            trace_id: to.0,
            span_id: to.1,
            attributes: Box::default(),
        }]),
        resource,
        name,
        kind: Consumer,
        status: Status::Unset,
    });
}

#[test]
fn a_handler_that_is_linked_to_its_sender_is_under_it_and_nobody_waits_for_it() {
    let mut all = Book::default();
    all.add(1, 1, root(0.0, 100.0).1);
    all.add(
        1,
        2,
        web("orders publish", 10.0, 12.0).kind(Producer).under(1),
    );
    linked(&mut all, 1, 3, (1, 2));
    assert_eq!(analysed(&all).notes, [""; 0]);
    let rows = waterfall(&Prepared::new(&all.observations), 1);
    assert_eq!(
        (rows[2].name.as_str(), rows[2].depth),
        ("orders process", 2)
    );
    assert_eq!(
        ms_by_service(&all, 100.0),
        parts([("billing", 2.0), ("web", 98.0)])
    );

    // In a trace of its own it is a request of its own.
    let mut all = Book::default();
    all.add(1, 1, root(0.0, 100.0).1);
    all.add(
        1,
        2,
        web("orders publish", 10.0, 12.0).kind(Producer).under(1),
    );
    linked(&mut all, 2, 3, (1, 2));
    assert_eq!(waterfall(&Prepared::new(&all.observations), 1).len(), 2);
    assert_eq!(waterfall(&Prepared::new(&all.observations), 2).len(), 1);
}
