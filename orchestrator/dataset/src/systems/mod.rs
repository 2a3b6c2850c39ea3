//! Systems that cases are about, and what is known of their services before anything runs.

mod graph;
pub(crate) mod graph_facts;
mod rag;
mod rag_facts;

use ragdoll_fault_spec::edges;
use ragdoll_model::topology::CallPlan;
use ragdoll_model::{Service, Topology, Workload};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::chance;
use ragdoll_score::SystemKind;

/// A system with its load.
#[derive(Clone, Debug, PartialEq)]
pub struct System {
    /// What kind of system it is.
    pub kind: SystemKind,
    /// Its services.
    pub topology: Topology,
    /// The load on it.
    pub workload: Workload,
    /// Requests a second.
    pub rate_per_s: f64,
    /// Seconds until it is as it stays: until caches are full.
    pub settle_s: f64,
    places: Vec<Place>,
    /// What an ordinary request takes without any wait, in milliseconds.
    pub request_ms: f64,
}

/// What is known of a service that requests pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) service: Service,
    /// Copies that share the calls: of a shard, the replicas of one partition.
    pub(crate) copies: u32,
    /// Calls a second that one copy gets.
    pub(crate) rate_per_s: f64,
    /// Work of its own for a call, in milliseconds.
    pub(crate) work_ms: f64,
    /// Time from a call to its answer without any wait, in milliseconds.
    pub(crate) call_ms: f64,
    /// Time for which a call takes one of its servers, in milliseconds.
    pub(crate) held_ms: f64,
    /// Servers of one copy.
    pub(crate) servers: u32,
    /// Time for which a call holds its lock, where it has one.
    pub(crate) lock_ms: Option<f64>,
    /// How many of its calls a request makes at once, at the most.
    pub(crate) siblings: u32,
}

impl Place {
    /// Servers that one copy keeps busy on average.
    pub(crate) fn busy(&self) -> f64 {
        self.rate_per_s * self.held_ms / 1000.0
    }
}

impl System {
    /// A system of this kind.
    pub(crate) fn draw(kind: SystemKind, rng: &mut Rng) -> System {
        match kind {
            SystemKind::Rag => rag::draw(rng),
            SystemKind::Graph => graph::draw(rng),
        }
    }

    fn new(kind: SystemKind, topology: Topology, workload: Workload, rate_per_s: f64) -> System {
        let (places, request_ms) = match kind {
            SystemKind::Rag => rag_facts::places(&topology, &workload, rate_per_s),
            SystemKind::Graph => graph_facts::places(&topology.graph, rate_per_s),
        };
        System {
            kind,
            topology,
            workload,
            rate_per_s,
            settle_s: 2.0,
            places,
            request_ms,
        }
    }

    /// The services that requests pass, the one that users call first.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// What is known of a service; nothing of one that no request passes.
    pub(crate) fn place(&self, service: Service) -> Option<&Place> {
        self.places.iter().find(|place| place.service == service)
    }

    /// The calls between services, caller first, that requests make.
    pub(crate) fn edges(&self) -> Vec<(Service, Service)> {
        let is_passed = |service| service == Service::Client || self.place(service).is_some();
        edges(&self.topology)
            .into_iter()
            .filter(|(from, to)| is_passed(*from) && is_passed(*to))
            .collect()
    }

    /// How the services that call `callee` do it.
    pub(crate) fn call_plans(&self, callee: Service) -> Vec<&CallPlan> {
        match self.kind {
            SystemKind::Rag => rag_facts::call_plans(&self.topology, callee),
            SystemKind::Graph => graph_facts::call_plans(&self.topology.graph, callee),
        }
    }

    /// Services from `from` to the client, along the shortest way by which calls come to it.
    pub(crate) fn path_to_client(&self, from: Service) -> Vec<Service> {
        let edges = edges(&self.topology);
        let mut ways: Vec<Vec<Service>> = vec![vec![from]];
        let mut seen = vec![from];
        while let Some(at) = ways.iter().position(|way| !way.is_empty()) {
            let way = ways.remove(at);
            let last = *way.last().expect("a way is not empty");
            if last == Service::Client {
                return way;
            }
            for (caller, _) in edges.iter().filter(|(_, callee)| *callee == last) {
                if !seen.contains(caller) {
                    seen.push(*caller);
                    ways.push([way.as_slice(), &[*caller]].concat());
                }
            }
        }
        vec![from]
    }

    /// Whether somebody on the way from `service` to the client gives up after some time, or calls
    /// again.
    pub(crate) fn impatience(&self, service: Service) -> Impatience {
        let mut found = Impatience::default();
        for callee in self.path_to_client(service) {
            for plan in self.call_plans(callee) {
                found.gives_up |= plan.timeout_ms > 0.0 || plan.circuit_breaker.failure_rate > 0.0;
                found.calls_again |= plan.attempts > 1;
            }
        }
        found
    }
}

/// What callers do about a call that takes long or fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Impatience {
    /// One of them has a deadline, or stops calling.
    pub(crate) gives_up: bool,
    /// One of them tries again.
    pub(crate) calls_again: bool,
}

/// How a service is called, by somebody who may have read of mitigations. `call_ms` is what a call
/// takes.
fn call_plan(call_ms: f64, rng: &mut Rng) -> CallPlan {
    use crate::draw::{between, rounded, whole};

    let mut plan = CallPlan::default();
    if chance(0.25, rng) {
        plan.timeout_ms = rounded(call_ms * between(4.0, 8.0, rng) + 200.0);
    }
    if chance(0.2, rng) {
        plan.attempts = whole(2, 3, rng);
        plan.backoff_ms = rounded(between(10.0, 50.0, rng));
        if chance(0.3, rng) {
            plan.retry_budget = 0.2;
            plan.retry_budget_min_per_s = 1.0;
        }
    }
    if chance(0.08, rng) {
        plan.circuit_breaker.failure_rate = 0.6;
        plan.circuit_breaker.window = 20;
        plan.circuit_breaker.minimum_calls = 10;
        plan.circuit_breaker.open_ms = 1000.0;
        plan.circuit_breaker.probes = 3;
    }
    plan
}
