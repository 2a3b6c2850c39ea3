//! A sample of each format is read into the spans that it is about.

use crate::common::{read, read_sample, sample, words};

#[test]
fn otlp_json_lines_of_every_signal() {
    insta::assert_snapshot!(words(&read_sample("otlp.jsonl")), @"
    shop/shop-7d9 af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, GET /cart, Server Error, @0 +50000000 ns http.route=/cart http.status_code=500 error.message=cart is gone
    shop/shop-7d9 af7651916cd43dd8448eb211c80319c:f067aa0ba902b7 of b7ad6b7169203331, redis GET, Client Unset, @10000000 +30000000 ns -> 1:2
    shop/shop-7d9 @45000000 ERROR: cart is gone (af7651916cd43dd8448eb211c80319c:b7ad6b7169203331) cart=9
    shop/shop-7d9 @46000000 WARN: {retry: true} (0:0)
    shop/shop-7d9 @0 process.memory.usage = 1048576 By
    shop/shop-7d9 @0 http.requests = 7.5  code=200
    test: OTLP JSON, 2 spans, 2 log events, 2 metric points
    2 points of metrics that are neither gauges nor sums were left out (test).
    ");
}

#[test]
fn otlp_json_as_old_collectors_wrote_it_over_many_lines() {
    insta::assert_snapshot!(words(&read_sample("otlp-old.json")), @"
    elder/ af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, work, Internal Unset, @0 +1000000 ns ratio=0.5 tags=[a, 2]
    test: OTLP JSON, 1 span
    ");
}

#[test]
fn otlp_json_in_a_list() {
    insta::assert_snapshot!(words(&read_sample("otlp-list.json")), @"
    a/h1 1:1 of 0, one, Server Unset, @0 +1 ns
    b/b-0 1:2 of 1, two, Client Unset, @0 +1 ns
    test: OTLP JSON, 2 spans
    ");
}

#[test]
fn jaeger_json_of_the_api() {
    insta::assert_snapshot!(words(&read_sample("jaeger-api.json")), @"
    frontend/node-3 7b3bf470e5a0c4f1:7b3bf470e5a0c4f1 of 0, HTTP GET /dispatch, Server Error, @0 +50000000 ns http.status_code=500 big=9007199254740993
    mysql/ 7b3bf470e5a0c4f1:1a2b of 7b3bf470e5a0c4f1, SQL SELECT, Client Ok, @10000000 +20000000 ns -> 7b3bf470e5a0c4f1:ff opentracing.ref_type=follows_from -> aa:bb opentracing.ref_type=follows_from
    unknown_service/ 7b3bf470e5a0c4f1:1a2c of 1a2b, late, Unspecified Unset, @40000000 +1000 ns
    test: Jaeger JSON, 3 spans
    1 event within a span was left out (test).
    1 span does not say its kind (test).
    ");
}

#[test]
fn jaeger_json_of_the_user_interface() {
    insta::assert_snapshot!(words(&read_sample("jaeger-ui.json")), @"
    checkout/checkout-1 af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, checkout, Internal Error, @0 +1500000 ns error=no stock
    test: Jaeger JSON, 1 span
    ");
}

#[test]
fn zipkin_json_with_a_span_id_that_client_and_server_share() {
    insta::assert_snapshot!(words(&read_sample("zipkin.json")), @"
    frontend/10.0.0.1 5af7183fb1d4cf5f:573775593416771 of 5af7183fb1d4cf5f, get /api, Client Unset, @1000000 +40000000 ns http.path=/api peer.service=backend network.peer.address=10.0.0.2
    backend/backend-1 5af7183fb1d4cf5f:6b221d5bc9e6496c of 573775593416771, get /api, Server Error, @2000000 +37000000 ns error=timeout
    backend/backend-1 5af7183fb1d4cf5f:1111111111111111 of 6b221d5bc9e6496c, query, Internal Unset, @3000000 +30000000 ns
    frontend/10.0.0.1 5af7183fb1d4cf5f:5af7183fb1d4cf5f of 0, get /, Server Unset, @0 +0 ns network.peer.address=192.0.2.7
    test: Zipkin JSON, 4 spans
    1 event within a span was left out (test).
    1 span has no end and counts as of no length (test).
    1 pair of a client and a server span shares one id and was made parent and child (test).
    ");
}

#[test]
fn zipkin_json_lines() {
    insta::assert_snapshot!(words(&read_sample("zipkin.jsonl")), @"
    orders/ af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, send, Producer Unset, @0 +10000 ns
    billing/ af7651916cd43dd8448eb211c80319c:f067aa0ba902b7 of b7ad6b7169203331, receive, Consumer Unset, @500000 +10000 ns
    test: Zipkin JSON, 2 spans
    ");
}

#[test]
fn log_lines_with_bad_ones_between() {
    insta::assert_snapshot!(words(&read_sample("logs.jsonl")), @"
    reranker/reranker-0 @123000 ERROR: out of memory (0:0) memory_bytes=4294967296
    reranker/reranker-0 @2000000000 INFO: process started (0:0)
    test: log lines, 2 log events
    1 record that cannot be understood was left out (test).
    1 log event that cannot be understood was left out (test).
    test, line 2: a JSON object expected, but there is `not a log line`.
    test, line 3: `severity` is `LOUD`: TRACE, DEBUG, INFO, WARN or ERROR expected.
    ");
}

#[test]
fn tempo_json_of_both_versions_of_the_api() {
    let first = words(&read_sample("tempo.json"));
    insta::assert_snapshot!(first, @"
    cart/cart-7d9 af7651916cd43dd8448eb211c80319c:b7ad6b7169203331 of 0, GET /cart, Server Error, @0 +50000000 ns http.response.status_code=500 error.message=cart is gone
    redis/ af7651916cd43dd8448eb211c80319c:f067aa0ba902b7 of b7ad6b7169203331, GET, Server Unset, @10000000 +30000000 ns
    test: Tempo JSON, 2 spans
    ");
    let text = std::fs::read_to_string(sample("tempo.json")).expect("a sample");
    let inner = text.replacen("batches", "resourceSpans", 1);
    let second = format!("{{\"trace\": {inner}, \"metrics\": {{}}}}");
    assert_eq!(words(&read(second.as_bytes())), first);
}
