//! Who is called, where the callee recorded nothing.

use ragdoll_trace::{Attribute, Value};

use super::{add, book, get, ms_by_service, parts, root, served};
use crate::common::{Book, SpanSpec, span};

/// Who is charged for 80 ms of a call that says this of itself. The services `cart` and `stock`
/// record spans of their own.
fn callee(call: impl Fn(SpanSpec) -> SpanSpec) -> String {
    let book = book(|at| {
        vec![
            root(at, at + 100.0),
            (Some(0), call(get(at, at + 80.0))),
            (Some(0), served("cart", at + 80.0, at + 81.0)),
            (Some(0), served("stock", at + 81.0, at + 82.0)),
        ]
    });
    let found = ms_by_service(&book, 100.0);
    let most = found.iter().find(|part| *part.1 >= 80.0);
    most.unwrap_or_else(|| panic!("{found:?}")).0.clone()
}

#[test]
fn a_call_names_its_callee_in_many_ways() {
    type Said<'a> = &'a [(&'static str, &'a str)];
    let ways: &[(Said<'_>, &str)] = &[
        (&[("server.address", "cart")], "cart"),
        (
            &[("server.address", "10.0.0.7"), ("peer.service", "cart")],
            "cart",
        ),
        (
            &[(
                "upstream_cluster",
                "outbound|8080||cart.default.svc.cluster.local",
            )],
            "cart",
        ),
        (
            &[(
                "upstream_cluster.name",
                "outbound|8080|v2|redis.db.svc.cluster.local",
            )],
            "redis",
        ),
        (
            &[
                ("upstream_cluster", "PassthroughCluster"),
                ("http.url", "http://cart:8080/x"),
            ],
            "cart",
        ),
        (&[("net.peer.name", "cart.default:8080")], "cart"),
        (&[("server.address", "cart.default.svc")], "cart"),
        (
            &[("server.address", "cart-0.cart.default.svc.cluster.local")],
            "cart",
        ),
        (&[("server.address", "CART")], "cart"),
        (
            &[("server.address", "cart.example.com")],
            "cart.example.com",
        ),
        (&[("server.address", "cart.com")], "cart.com"),
        (&[("peer.address", "cart:9090")], "cart"),
        (
            &[(
                "url.full",
                "https://user:secret@api.stripe.com:443/v1/charges",
            )],
            "api.stripe.com",
        ),
        (
            &[("server.address", "orders-db"), ("db.system", "postgresql")],
            "orders-db",
        ),
        (
            &[
                ("server.address", "10.0.0.9"),
                ("db.system.name", "postgresql"),
            ],
            "postgresql",
        ),
        (
            &[("net.peer.name", "localhost"), ("db.system", "redis")],
            "redis",
        ),
        (&[("db.type", "cassandra")], "cassandra"),
        (
            &[
                ("server.address", "broker-3"),
                ("messaging.system", "kafka"),
                ("messaging.destination.name", "orders"),
            ],
            "kafka",
        ),
        (&[("rpc.service", "shop.Payment")], "shop.Payment"),
        (&[("server.address", "10.0.0.7")], "10.0.0.7"),
        (&[("server.address", "10.0.0.7:8080")], "10.0.0.7"),
        (&[("server.address", "[fd00::7]:8080")], "fd00::7"),
    ];
    for (said, expected) in ways {
        let found = callee(|call| {
            said.iter()
                .fold(call, |call, &(key, value)| call.text(key, value))
        });
        assert_eq!(&found, expected, "{said:?}");
    }
}

/// A call of an address without an answer, in a system in which `cart` is told from other sources.
fn by_address(book: &mut Book, address: &str) -> String {
    add(book, |at| {
        vec![
            root(at, at + 100.0),
            (Some(0), get(at, at + 80.0).text("server.address", address)),
        ]
    });
    let found = ms_by_service(book, 100.0);
    let most = found.iter().find(|part| *part.1 >= 80.0);
    most.unwrap_or_else(|| panic!("{found:?}")).0.clone()
}

#[test]
fn an_address_is_the_service_whose_process_has_it() {
    let mut book = Book::default();
    let set = &mut book.observations.traces;
    let (key, value) = (set.intern("k8s.pod.ip"), set.intern("10.0.0.7"));
    set.resource_with(
        "cart",
        "cart-0",
        vec![Attribute::new(key, Value::Str(value))],
    );
    assert_eq!(by_address(&mut book, "10.0.0.7"), "cart");
}

#[test]
fn an_address_is_the_service_whose_instance_is_called_so() {
    let mut book = Book::default();
    book.observations.traces.resource("cart", "10.0.0.7:8080");
    assert_eq!(by_address(&mut book, "10.0.0.7:9090"), "cart");
}

#[test]
fn an_address_is_the_service_whose_spans_say_that_they_were_called_there() {
    for key in ["net.host.ip", "server.address", "network.local.address"] {
        let mut book = Book::default();
        let id = book.id();
        book.add(999, id, served("cart", 1.0, 2.0).text(key, "10.0.0.7"));
        assert_eq!(by_address(&mut book, "10.0.0.7"), "cart", "{key}");
    }
}

#[test]
fn an_address_is_the_service_that_answered_another_call_of_it() {
    let mut book = Book::default();
    let (call, answer) = (book.id(), book.id());
    book.add(999, call, get(1.0, 4.0).text("server.address", "basket"));
    book.add(999, answer, served("cart", 2.0, 3.0).under(call));
    assert_eq!(by_address(&mut book, "basket"), "cart");
}

#[test]
fn an_address_behind_which_two_services_answer_is_neither() {
    let mut book = Book::default();
    for service in ["cart", "stock"] {
        let (call, answer) = (book.id(), book.id());
        book.add(999, call, get(1.0, 4.0).text("server.address", "proxy"));
        book.add(999, answer, served(service, 2.0, 3.0).under(call));
    }
    assert_eq!(by_address(&mut book, "proxy"), "proxy");
}

#[test]
fn ports_of_one_address_are_one_service() {
    let book = book(|at| {
        let call = |from: f64, address: &str| {
            let spec = span("web", "web-0", "GET", at + from, at + from + 20.0);
            let spec = spec.kind(ragdoll_trace::SpanKind::Client);
            (Some(0), spec.text("net.peer.ip", address))
        };
        vec![
            root(at, at + 100.0),
            call(0.0, "10.0.0.7:31001"),
            call(20.0, "10.0.0.7:31002"),
            call(40.0, "10.0.0.7"),
        ]
    });
    assert_eq!(
        ms_by_service(&book, 100.0),
        parts([("10.0.0.7", 60.0), ("web", 40.0)])
    );
}
