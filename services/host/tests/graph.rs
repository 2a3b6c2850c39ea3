//! Graphs of services: what a request leaves behind, and which faults it meets.

mod common;

use std::collections::BTreeMap;

use http_body_util::BodyExt as _;
use ragdoll_fault_layers::{Faults, Planned};
use ragdoll_fault_spec::{Catalog as _, FaultSpec, KindInfo, Target, edges};
use ragdoll_model::topology::{LockScope, Memory};
use ragdoll_model::{
    Dist, GraphCall, GraphLock, GraphPool, GraphService, Service, ServiceName, Topology,
};
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::{Value, json};

use common::seen::Span;
use common::{Ground, Seen, on, on_with};

const SECOND: u64 = 1_000_000;
const NEVER: u64 = u64::MAX / 4;

fn name(text: &str) -> ServiceName {
    ServiceName::from_name(text).expect("a name")
}

fn service(text: &str) -> Service {
    Service::from(name(text))
}

fn hop(text: &str, ms: f64, calls: Vec<GraphCall>) -> GraphService {
    GraphService {
        service_time: Dist::fixed(ms),
        calls,
        ..GraphService::new(name(text))
    }
}

fn call(text: &str) -> GraphCall {
    GraphCall::new(name(text))
}

/// A diamond: the frontend asks cart and pricing at once, each of which asks the inventory, which has
/// a lock. Afterwards it asks the tax service over a pool.
fn diamond() -> Topology {
    let mut pricing = call("pricing");
    pricing.parallel_with_previous = true;
    let mut tax = call("tax");
    tax.pool = Some(GraphPool {
        size: 1,
        timeout_ms: 5_000.0,
    });
    let mut inventory = hop("inventory", 2.0, Vec::new());
    inventory.lock = Some(GraphLock {
        scope: LockScope::Global,
        hold: Dist::fixed(1.0),
    });
    let mut topology = Topology::default();
    topology.network.latency = Dist::fixed(0.25);
    topology.graph.services = vec![
        hop("frontend", 4.0, vec![call("cart"), pricing, tax]),
        hop("cart", 2.0, vec![call("inventory")]),
        hop("pricing", 2.0, vec![call("inventory")]),
        inventory,
        hop("tax", 10.0, Vec::new()),
    ];
    topology
}

/// Asks `count` times, `gap_us` apart, and waits for every answer: statuses by their number.
async fn ask(ground: &Ground, count: u32, gap_us: u64) -> BTreeMap<u16, usize> {
    let asking = (0..count).map(|number| {
        let ground = ground.clone();
        tokio::spawn(async move {
            ground.clock.sleep_us(u64::from(number) * gap_us).await;
            let mut query = ground.query(number, number);
            query.user = format!("user-{}", number % 7);
            let context = RequestContext::new(format!("r-{number}"), query.user.as_str());
            let body = serde_json::to_string(&query).expect("plain data");
            let response = ground.post("/v1/query", context, body).await;
            let status = response.status().as_u16();
            // A fault may have cut it.
            let _ = response.into_body().collect().await;
            status
        })
    });
    let asking: Vec<_> = asking.collect();
    let mut statuses = BTreeMap::new();
    for asked in asking {
        let status = asked.await.expect("no panic");
        *statuses.entry(status).or_default() += 1;
    }
    statuses
}

fn once(topology: Topology, faults: Vec<Planned>) -> (BTreeMap<u16, usize>, Seen) {
    on_with(topology, faults, |ground| async move {
        ask(&ground, 1, 0).await
    })
}

fn fault(kind: &str, target: Target, params: Value) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us: 0,
        stop_us: NEVER,
    }
}

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

fn span<'a>(seen: &'a Seen, instance: &str, kind: &SpanKind) -> &'a Span {
    let mut spans = seen.spans.iter();
    let found = spans.find(|span| span.instance == instance && span.kind == *kind);
    found.unwrap_or_else(|| panic!("{instance} has no {kind:?}"))
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
        Target::service(service("inventory")),
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
    let target = || Target::service(service("inventory"));
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
    let target = Target::service(service("tax"));
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

/// The diamond with all that a fault could need: memory, copies, health checks.
fn rich() -> Topology {
    let mut topology = diamond();
    topology.network.health_check_ms = 500.0;
    topology.graph.deadline_ms = 5_000.0;
    let frontend = &mut topology.graph.services[0];
    // Held for so long that some wait for it.
    frontend.lock = Some(GraphLock {
        scope: LockScope::Global,
        hold: Dist::Exponential { mean_ms: 12.0 },
    });
    frontend.memory = Some(Memory {
        budget_bytes: 1_200_000_000,
        base_bytes: 1_000_000_000,
        ..Memory::default()
    });
    frontend.calls[2].pool = Some(GraphPool {
        size: 4,
        timeout_ms: 5_000.0,
    });
    frontend.service_time = Dist::lognormal(4.0, 0.3);
    topology.graph.services[1].instances = 2;
    topology
}

/// Something that makes a fault felt that by itself is not: a process that is cold has to start, and
/// only what fails is tried again.
fn company(kind: &KindInfo) -> Vec<Planned> {
    let on =
        |kind, service_name, params| fault(kind, Target::service(service(service_name)), params);
    match kind.name {
        "cold_start" => vec![on("crash", "frontend", json!({ "down_ms": 300.0 }))],
        "retry_storm" => {
            let mut failing = on("error_rate", "tax", json!({ "code": "UNAVAILABLE" }));
            failing.spec.probability = 0.3;
            vec![failing]
        }
        _ => Vec::new(),
    }
}

/// What a busy system says over 8 s, in 5 of which it is asked. Who hangs comes back after 4.
fn busy(mut faults: Vec<Planned>) -> String {
    for fault in &mut faults {
        fault.stop_us = 4 * SECOND;
    }
    let ((), seen) = on_with(rich(), faults, |ground| async move {
        let asking = ground.clone();
        let asking = tokio::spawn(async move { ask(&asking, 200, 25_000).await });
        ground.clock.sleep_us(8 * SECOND).await;
        asking.abort();
    });
    seen.text
}

/// The parameters of a kind's example, with which it is felt in a small system in a short time.
fn felt(kind: &KindInfo) -> Value {
    match kind.name {
        "memory_leak" => json!({ "memory_leak_bytes_per_request": 4_000_000 }),
        // An answer comes in one piece.
        "stream_stall" => json!({ "stall_ms": 1_500.0 }),
        _ => Faults.example(kind.name),
    }
}

#[test]
fn every_kind_that_means_something_in_a_graph_is_felt_there() {
    let topology = rich();
    let frontend = service("frontend");
    let (mut felt_kinds, mut not_felt) = (0, Vec::new());
    for kind in Faults
        .kinds()
        .into_iter()
        .filter(|kind| kind.services != [Service::Client])
    {
        let acts = kind.graph.is_some();
        assert_eq!(
            kind.fits(frontend, &topology).is_ok(),
            acts,
            "{}",
            kind.name
        );
        if !acts {
            continue;
        }
        let company = company(&kind);
        // Users do not look at what is wrong with an answer; services do.
        let target = match kind.name {
            "malformed_response" => Target::service(service("cart")),
            _ => Target::service(frontend),
        };
        let mut faults = company.clone();
        faults.push(fault(kind.name, target, felt(&kind)));
        match busy(faults) == busy(company) {
            true => not_felt.push(kind.name),
            false => felt_kinds += 1,
        }
    }
    assert!(not_felt.is_empty(), "not felt: {not_felt:?}");
    assert!(felt_kinds >= 35, "only {felt_kinds}");
}

#[test]
fn every_edge_may_have_a_fault() {
    let topology = diamond();
    let params = json!({ "delay": { "fixed": { "ms": 30.0 } } });
    let length_us = |faults| {
        let (_, seen) = once(diamond(), faults);
        span(&seen, "client-0", &SpanKind::Client).length_us()
    };
    let before = length_us(Vec::new());
    for (from, to) in edges(&topology) {
        let after = length_us(vec![fault(
            "latency",
            Target::edge(from, to),
            params.clone(),
        )]);
        assert!(
            after >= before + 29_000,
            "{from} -> {to}: {after} after {before}"
        );
    }
}

#[test]
fn the_same_seed_says_the_same() {
    assert!(busy(Vec::new()) == busy(Vec::new()));
}
