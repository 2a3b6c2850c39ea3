//! Graphs of services: what a request leaves behind.

use std::collections::BTreeMap;

use ragdoll_fault_spec::Target;
use ragdoll_model::Dist;
use ragdoll_telemetry::SpanKind;
use serde_json::json;

use crate::common::on;
use crate::common::seen::Span;
use crate::common::shop::{ask, diamond, fault, name, once, span};

/// A trace as an indented list.
fn tree(spans: &[&Span]) -> String {
    let mut lines = String::new();
    let mut open: Vec<(&Span, usize)> = Vec::new();
    let mut roots: Vec<&Span> = spans.to_vec();
    roots.retain(|span| span.parent.is_none());
    open.extend(roots.into_iter().map(|root| (root, 0)));
    while let Some((span, depth)) = open.pop() {
        let kind = match span.kind {
            SpanKind::Client => "client",
            SpanKind::Server => "server",
            _ => "internal",
        };
        let indent = "  ".repeat(depth);
        lines += &format!("{indent}{} {kind} {}\n", span.instance, span.name);
        let is_child = |other: &&&Span| other.parent.as_deref() == Some(&*span.id);
        let mut children: Vec<&Span> = spans.iter().filter(is_child).copied().collect();
        children.sort_by_key(|child| std::cmp::Reverse((child.start_us, child.name.clone())));
        open.extend(children.into_iter().map(|child| (child, depth + 1)));
    }
    lines
}

#[test]
fn a_request_leaves_a_span_for_each_call_and_each_hold_of_a_lock() {
    let (statuses, seen) = once(diamond(), Vec::new());
    assert_eq!(statuses, BTreeMap::from([(200, 1)]));
    assert_eq!(seen.left_open, 0);
    insta::assert_snapshot!(tree(&seen.trace_of("r-0")), @"
    client-0 client POST /v1/query
      frontend-0 server POST /v1/query
        frontend-0 client shop.v1.CartService/GetCart
          cart-0 server shop.v1.CartService/GetCart
            cart-0 client shop.v1.InventoryService/Reserve
              inventory-0 server shop.v1.InventoryService/Reserve
                inventory-0 internal lock.hold
        frontend-0 client shop.v1.PricingService/GetPrices
          pricing-0 server shop.v1.PricingService/GetPrices
            pricing-0 client shop.v1.InventoryService/Reserve
              inventory-0 server shop.v1.InventoryService/Reserve
                inventory-0 internal lock.wait
                inventory-0 internal lock.hold
        frontend-0 client shop.v1.TaxService/Compute
          tax-0 server shop.v1.TaxService/Compute
    ");
}

#[test]
fn the_answer_has_the_gateways_form_and_says_how_long_it_took() {
    let ((status, answer), seen) = on(diamond(), |ground| async move {
        ground.ask("r-0", &ground.query(0, 0)).await
    });
    assert_eq!((status, &answer["contexts"]), (200, &json!([])));
    assert_eq!(answer["answer"].as_str().map(str::len), Some(1024));
    let served = span(&seen, "frontend-0", &SpanKind::Server).length_us();
    assert_eq!(answer["timing"]["total_ms"], served as f64 / 1000.0);
    let logged: Vec<_> = seen.logs_of("request answered").collect();
    assert_eq!(logged.len(), 1);
}

/// Half of the frontend's 4 ms, then the longer of two equal calls, then the tax, then the rest.
#[test]
fn calls_of_a_group_are_made_at_once_and_groups_one_after_the_other() {
    let (_, seen) = once(diamond(), Vec::new());
    let server = |instance: &str| span(&seen, instance, &SpanKind::Server);
    let (cart, pricing, tax) = (server("cart-0"), server("pricing-0"), server("tax-0"));
    let frontend = server("frontend-0");
    assert_eq!(cart.start_us, pricing.start_us);
    assert_eq!(cart.start_us - frontend.start_us, 2_000 + 250);
    let later = cart.end_us.max(pricing.end_us);
    assert!(tax.start_us >= later + 500, "{tax:?}");
    assert_eq!(tax.length_us(), 10_000);
    assert_eq!(frontend.end_us - tax.end_us, 250 + 2_000);
    // Both come to the inventory's lock at once, so that one of the two waits for the other.
    assert_eq!(cart.length_us().abs_diff(pricing.length_us()), 1_000);
}

#[test]
fn requests_wait_for_the_lock_and_for_the_pool_where_they_are_many() {
    let (statuses, seen) = on(
        diamond(),
        |ground| async move { ask(&ground, 20, 5_000).await },
    );
    assert_eq!(statuses, BTreeMap::from([(200, 20)]));
    let waits = |instance: &str, attribute: &str, value: &str| {
        let spans = seen.spans.iter();
        let spans =
            spans.filter(|span| span.instance == instance && span.kind == SpanKind::Internal);
        spans
            .filter(|span| span.attribute(attribute) == value)
            .count()
    };
    assert!(
        waits("inventory-0", "lock.name", "inventory") > 40,
        "held and waited for"
    );
    assert!(waits("frontend-0", "db.client.connection.pool.name", "tax") > 10);
}

#[test]
fn a_delay_of_a_leaf_is_felt_by_all_that_wait_for_it() {
    let length_us = |faults| {
        let (_, seen) = once(diamond(), faults);
        ["client-0", "frontend-0", "cart-0", "inventory-0", "tax-0"].map(|instance| {
            let kind = match instance {
                "client-0" => SpanKind::Client,
                _ => SpanKind::Server,
            };
            span(&seen, instance, &kind).length_us()
        })
    };
    let before = length_us(Vec::new());
    let params = json!({ "delay": { "fixed": { "ms": 50.0 } } });
    let after = length_us(vec![fault(
        "latency",
        Target::service(name("inventory")),
        params,
    )]);
    let grown: Vec<u64> = after
        .iter()
        .zip(before)
        .map(|(after, before)| after - before)
        .collect();
    assert_eq!(grown, [50_000, 50_000, 50_000, 50_000, 0]);
}

#[test]
fn a_failure_is_passed_on_unless_the_call_is_optional() {
    let target = || Target::service(name("inventory"));
    let failing = || {
        vec![fault(
            "error_rate",
            target(),
            json!({ "code": "UNAVAILABLE" }),
        )]
    };
    let (statuses, seen) = once(diamond(), failing());
    assert_eq!(statuses, BTreeMap::from([(503, 1)]));
    assert_eq!(
        span(&seen, "cart-0", &SpanKind::Server).error(),
        "UNAVAILABLE"
    );
    assert_eq!(span(&seen, "frontend-0", &SpanKind::Server).error(), "503");
    let logged: Vec<_> = seen.logs_of("call failed").collect();
    assert_eq!(logged.len(), 4, "{logged:?}");

    let mut topology = diamond();
    for service in &mut topology.graph.services[1..3] {
        service.calls[0].optional = true;
    }
    let (statuses, seen) = once(topology, failing());
    assert_eq!(statuses, BTreeMap::from([(200, 1)]));
    assert_eq!(
        span(&seen, "cart-0", &SpanKind::Client).error(),
        "UNAVAILABLE"
    );
    assert_eq!(span(&seen, "cart-0", &SpanKind::Server).error(), "");
}

#[test]
fn the_first_service_gives_every_request_a_deadline() {
    let mut topology = diamond();
    topology.graph.deadline_ms = 100.0;
    let target = Target::service(name("tax"));
    let (statuses, seen) = once(topology, vec![fault("hang", target, json!({}))]);
    assert_eq!(statuses, BTreeMap::from([(504, 1)]));
    assert_eq!(
        span(&seen, "frontend-0", &SpanKind::Server).length_us(),
        100_000
    );
}

#[test]
fn a_call_is_made_by_the_share_of_the_requests_that_it_says() {
    let mut topology = diamond();
    topology.graph.services[0].calls[2].probability = 0.3;
    let (_, seen) = on(
        topology,
        |ground| async move { ask(&ground, 400, 20_000).await },
    );
    let taxed = |span: &&Span| span.is(SpanKind::Server, name("tax").method());
    let share = seen.spans.iter().filter(taxed).count() as f64 / 400.0;
    // Four standard deviations of a share of 400.
    assert!((share - 0.3).abs() < 0.092, "{share}");
}

/// A request that comes to a service on two ways takes a time of its own on each.
#[test]
fn two_ways_to_a_service_draw_apart() {
    let mut topology = diamond();
    topology.graph.services[3].service_time = Dist::lognormal(5.0, 0.5);
    let (_, seen) = once(topology, Vec::new());
    let holds = seen.spans.iter();
    let holds = holds.filter(|span| span.is(SpanKind::Server, name("inventory").method()));
    let lengths: Vec<u64> = holds.map(Span::length_us).collect();
    assert_eq!(lengths.len(), 2);
    assert!(lengths[0].abs_diff(lengths[1]) > 10, "{lengths:?}");
}
