//! Random graphs of services.

use ragdoll_model::topology::{LockScope, Memory};
use ragdoll_model::{
    Dist, Graph, GraphCall, GraphLock, GraphPool, GraphService, Service, Topology, Workload,
};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::{chance, index};
use ragdoll_score::SystemKind;

use super::call_plan::call_plan;
use super::system::System;
use super::{graph_facts, rag};
use crate::draw::{between, log_between, lognormal, pick, rounded, shuffled, whole};

/// Services that one service calls at most.
const CALLS_MAX: usize = 4;
/// Calls of a request at most, for each service of the graph: more make large graphs too slow.
const VISITS_PER_SERVICE: f64 = 1.3;
/// Services between the entry and a leaf at most.
const DEPTH_MAX: usize = 6;

/// A graph of 3 to 30 services that carries its load with room to spare, unless something is done
/// to it.
pub(super) fn draw(rng: &mut Rng) -> System {
    let rate_per_s = rounded(between(8.5, 11.5, rng));
    let count = log_between(3.0, 30.99, rng) as usize;
    let mut graph = shape(count, rng);
    for service in &mut graph.services {
        work(service, rng);
    }
    calls(&mut graph, rng);
    capacity(&mut graph, rate_per_s, rng);
    let mut topology = Topology {
        graph,
        ..Topology::default()
    };
    topology.network.latency = lognormal((0.1, 1.0), (0.1, 0.4), rng);
    if chance(0.3, rng) {
        topology.network.health_check_ms = 1000.0;
    }
    // Questions are answered by no index here, so that a small one does.
    topology.corpus.documents = 16;
    topology.corpus.topics = 4;
    topology.corpus.dimensions = 8;
    let workload = Workload {
        arrivals: rag::arrivals(rate_per_s, rng),
        queries: 32,
        users: pick(&[20, 50, 200], rng),
        ..Workload::default()
    };
    System::new(SystemKind::Graph, topology, workload, rate_per_s)
}

/// Who calls whom: each service but the first has a caller before it, and some of those that call
/// nobody are shared by several.
fn shape(count: usize, rng: &mut Rng) -> Graph {
    let names = shuffled(Service::well_known().collect(), rng);
    let mut services: Vec<GraphService> = names
        .into_iter()
        .take(count)
        .map(GraphService::new)
        .collect();
    let mut depths = vec![0; count];
    for at in 1..count {
        let open: Vec<usize> = (0..at)
            .filter(|&caller| services[caller].calls.len() < CALLS_MAX)
            .filter(|&caller| depths[caller] < DEPTH_MAX)
            .collect();
        // The later half of those that may call is as likely as the rest: chains as well as fans.
        let from = if chance(0.5, rng) { open.len() / 2 } else { 0 };
        let caller = open[from + index(open.len() - from, rng)];
        depths[at] = depths[caller] + 1;
        let callee = services[at].name;
        services[caller].calls.push(GraphCall::new(callee));
    }
    let mut graph = Graph {
        services,
        ..Graph::default()
    };
    for _ in 0..count / 4 {
        share(&mut graph, rng);
    }
    graph
}

/// Lets one more service call a leaf that others call too.
fn share(graph: &mut Graph, rng: &mut Rng) {
    let count = graph.services.len();
    let leaves: Vec<usize> = (1..count)
        .filter(|&at| graph.services[at].calls.is_empty())
        .collect();
    if leaves.is_empty() {
        return;
    }
    let leaf = pick(&leaves, rng);
    let callee = graph.services[leaf].name;
    let caller = index(leaf, rng);
    let calls = &mut graph.services[caller].calls;
    if calls.is_empty() || calls.len() >= CALLS_MAX {
        return;
    }
    if calls.iter().any(|call| call.service == callee) {
        return;
    }
    calls.push(GraphCall::new(callee));
    let visits: f64 = graph_facts::visits(graph).iter().sum();
    if visits > VISITS_PER_SERVICE * count as f64 {
        graph.services[caller].calls.pop();
    }
}

fn work(service: &mut GraphService, rng: &mut Rng) {
    let range_ms = match whole(0, 9, rng) {
        0..=5 => (1.0, 8.0),
        6..=8 => (5.0, 25.0),
        _ => (30.0, 90.0),
    };
    service.service_time = lognormal(range_ms, (0.15, 0.6), rng);
    service.work_before_calls = rounded(between(0.2, 0.9, rng));
    service.instances = pick(&[1, 1, 2, 2, 3, 4], rng);
    service.response_bytes = log_between(256.0, 16_384.0, rng) as u32;
    if chance(0.3, rng) {
        service.lock = Some(GraphLock {
            scope: LockScope::Global,
            hold: lognormal((0.3, 3.0), (0.2, 0.4), rng),
        });
    }
    if chance(0.3, rng) {
        service.memory = Some(Memory {
            bytes_per_input_byte: 4096.0,
            restart_ms: rounded(between(2000.0, 5000.0, rng)),
            ..Memory::default()
        });
    }
}

fn calls(graph: &mut Graph, rng: &mut Rng) {
    for service in &mut graph.services {
        for (at, call) in service.calls.iter_mut().enumerate() {
            call.parallel_with_previous = at > 0 && chance(0.45, rng);
            call.request_bytes = log_between(128.0, 8192.0, rng) as u32;
            if chance(0.15, rng) {
                call.probability = rounded(between(0.5, 0.95, rng));
            }
            call.optional = chance(0.08, rng);
        }
    }
    let call_ms = graph_facts::calls_ms(graph);
    let position: Vec<Service> = graph.services.iter().map(|one| one.name).collect();
    for service in &mut graph.services {
        for call in &mut service.calls {
            let callee = position.iter().position(|name| *name == call.service);
            let takes_ms = callee.map_or(0.0, |at| call_ms[at]);
            call.plan = call_plan(takes_ms, rng);
        }
    }
}

/// Servers, processors, connections and locks, so that none of them is busy for more than about
/// half of the time.
fn capacity(graph: &mut Graph, rate_per_s: f64, rng: &mut Rng) {
    let call_ms = graph_facts::calls_ms(graph);
    let visits = graph_facts::visits(graph);
    let names: Vec<Service> = graph.services.iter().map(|one| one.name).collect();
    for (at, service) in graph.services.iter_mut().enumerate() {
        let per_copy = rate_per_s * visits[at] / f64::from(service.instances);
        let busy = per_copy * call_ms[at] / 1000.0;
        let least = (busy / 0.5).ceil() as u32 + 1;
        let ample = pick(&[8, 16, 32, 64], rng);
        service.workers = if chance(0.4, rng) {
            least
        } else {
            least.max(ample)
        };
        let work_ms = crate::draw::mean_ms(&service.service_time);
        if chance(0.4, rng) {
            let cores = (per_copy * work_ms / 1000.0 / 0.3).ceil() as u32 + 1;
            service.cpu_cores = cores.min(service.workers);
        }
        if let Some(lock) = &mut service.lock
            && chance(0.2, rng)
        {
            let share = between(0.3, 0.5, rng);
            lock.hold = Dist::fixed(rounded((share * 1000.0 / per_copy).min(60.0)));
        }
        for call in &mut service.calls {
            if !chance(0.3, rng) {
                continue;
            }
            let callee = names.iter().position(|name| *name == call.service);
            let takes_ms = callee.map_or(0.0, |at| call_ms[at]);
            let used = per_copy * call.probability * takes_ms / 1000.0;
            call.pool = Some(GraphPool {
                size: (used / 0.3).ceil() as u32 + whole(2, 8, rng),
                timeout_ms: 30_000.0,
            });
        }
    }
}
