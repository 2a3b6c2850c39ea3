//! A small graph of services, and who asks it.

use std::collections::BTreeMap;

use http_body_util::BodyExt as _;
use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::topology::LockScope;
use ragdoll_model::{Dist, GraphCall, GraphLock, GraphPool, GraphService, Service, Topology};
use ragdoll_telemetry::{RequestContext, SpanKind};
use serde_json::Value;

use super::seen::Span;
use super::{Ground, Seen, on_with};

const NEVER: u64 = u64::MAX / 4;

pub(crate) fn name(text: &str) -> Service {
    Service::from_name(text).expect("a name")
}

pub(crate) fn hop(text: &str, ms: f64, calls: Vec<GraphCall>) -> GraphService {
    GraphService {
        service_time: Dist::fixed(ms),
        calls,
        ..GraphService::new(name(text))
    }
}

pub(crate) fn call(text: &str) -> GraphCall {
    GraphCall::new(name(text))
}

/// A diamond: the frontend asks cart and pricing at once, each of which asks the inventory, which has
/// a lock. Afterwards it asks the tax service over a pool.
pub(crate) fn diamond() -> Topology {
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
pub(crate) async fn ask(ground: &Ground, count: u32, gap_us: u64) -> BTreeMap<u16, usize> {
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

pub(crate) fn once(topology: Topology, faults: Vec<Planned>) -> (BTreeMap<u16, usize>, Seen) {
    on_with(topology, faults, |ground| async move {
        ask(&ground, 1, 0).await
    })
}

pub(crate) fn fault(kind: &str, target: Target, params: Value) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us: 0,
        stop_us: NEVER,
    }
}

pub(crate) fn span<'a>(seen: &'a Seen, instance: &str, kind: &SpanKind) -> &'a Span {
    let mut spans = seen.spans.iter();
    let found = spans.find(|span| span.instance == instance && span.kind == *kind);
    found.unwrap_or_else(|| panic!("{instance} has no {kind:?}"))
}
