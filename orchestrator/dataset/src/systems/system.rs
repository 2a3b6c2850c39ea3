//! A system that a case is about.

use ragdoll_fault_spec::edges;
use ragdoll_model::topology::CallPlan;
use ragdoll_model::{Service, Topology, Workload};
use ragdoll_score::SystemKind;

use super::place::Place;
use super::{graph_facts, rag_facts};

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

impl System {
    pub(super) fn new(
        kind: SystemKind,
        topology: Topology,
        workload: Workload,
        rate_per_s: f64,
    ) -> System {
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
        let is_passed = |service| service == Service::CLIENT || self.place(service).is_some();
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
            if last == Service::CLIENT {
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
