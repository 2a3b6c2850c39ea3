//! Which failed calls were tried again.

use ragdoll_analyser::{Cause, Prepared, waterfall};

use super::{book, get, root, served};
use crate::common::{Book, SpanSpec};

/// Causes of the time of the failed call and of the one after it.
fn causes(book: &Book) -> Vec<Cause> {
    let rows = waterfall(&Prepared::new(&book.observations), 1);
    let calls = rows.iter().filter(|row| row.name == "GET");
    calls.map(|row| row.cause).collect()
}

/// What a call says of itself.
type Say = fn(SpanSpec) -> SpanSpec;

/// A call that fails, and one after it.
fn two(first: Say, second: Say) -> Book {
    book(|at| {
        vec![
            root(at, at + 100.0),
            (Some(0), first(get(at, at + 40.0).failed(Some("404")))),
            (Some(0), second(get(at + 50.0, at + 90.0))),
        ]
    })
}

#[test]
fn a_call_of_another_service_is_no_retry_though_its_name_is_the_same() {
    let others: [(Say, Say); 4] = [
        (
            |call| call.text("server.address", "stock"),
            |call| call.text("server.address", "price"),
        ),
        (
            |call| call.text("url.full", "http://stock:8080/items/7"),
            |call| call.text("url.full", "http://price:8080/items/7"),
        ),
        // Of one service, but another resource of it.
        (
            |call| call.text("url.full", "http://stock:8080/items/7"),
            |call| call.text("url.full", "http://stock:8080/items/8?try=2"),
        ),
        // Of the first it is not known who was called.
        (|call| call, |call| call.text("peer.service", "price")),
    ];
    for (first, second) in others {
        let causes = causes(&two(first, second));
        assert!(!causes.contains(&Cause::Retries), "{causes:?}");
    }
}

#[test]
fn a_call_of_the_same_service_is_a_retry() {
    let others: [(Say, Say); 4] = [
        (
            |call| call.text("server.address", "stock"),
            |call| {
                call.text("server.address", "stock")
                    .int("server.port", 8080)
            },
        ),
        (
            |call| call.text("url.full", "http://stock:8080/items/7"),
            |call| call.text("url.full", "http://stock:8080/items/7?again"),
        ),
        (
            |call| call.text("http.url", "http://10.0.0.7:8080/items/7"),
            |call| call.text("http.url", "http://10.0.0.7:8081/items/7"),
        ),
        (
            |call| call.text("http.route", "/items/{id}"),
            |call| call.text("http.route", "/items/{id}"),
        ),
    ];
    for (first, second) in others {
        let causes = causes(&two(first, second));
        assert_eq!(causes[0], Cause::Retries, "{causes:?}");
    }
}

#[test]
fn of_two_attempts_one_may_name_an_address_and_the_other_be_answered() {
    let book = book(|at| {
        vec![
            root(at, at + 100.0),
            (
                Some(0),
                get(at, at + 40.0)
                    .text("server.address", "stock.shop.svc.cluster.local")
                    .failed(Some("ECONNREFUSED")),
            ),
            (Some(0), get(at + 50.0, at + 90.0)),
            (Some(2), served("stock", at + 51.0, at + 89.0)),
        ]
    });
    assert_eq!(causes(&book)[0], Cause::Retries);
}
