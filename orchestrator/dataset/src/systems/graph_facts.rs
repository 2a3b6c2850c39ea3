//! What is known of a graph of services before it runs.

use ragdoll_model::topology::{CallPlan, LockScope};
use ragdoll_model::{Graph, GraphService, Service};

use super::place::Place;
use crate::draw::mean_ms;

/// Round trip on the network, roughly, in milliseconds.
const TRIP_MS: f64 = 0.6;

/// Every service, and what a request takes.
pub(super) fn places(graph: &Graph, rate_per_s: f64) -> (Vec<Place>, f64) {
    let calls_ms = calls_ms(graph);
    let visits = visits(graph);
    let place = |at: usize| {
        let service = &graph.services[at];
        let lock = service.lock.filter(|lock| lock.scope == LockScope::Global);
        Place {
            service: service.name,
            copies: service.instances,
            rate_per_s: rate_per_s * visits[at] / f64::from(service.instances),
            work_ms: own_ms(service),
            call_ms: calls_ms[at],
            held_ms: calls_ms[at],
            servers: service.workers,
            lock_ms: lock.map(|lock| mean_ms(&lock.hold)),
            siblings: siblings(graph, service.name),
        }
    };
    let places = (0..graph.services.len()).map(place).collect();
    let request_ms = calls_ms.first().copied().unwrap_or(0.0) + TRIP_MS;
    (places, request_ms)
}

fn own_ms(service: &GraphService) -> f64 {
    let hold_ms = service.lock.map_or(0.0, |lock| mean_ms(&lock.hold));
    mean_ms(&service.service_time) + hold_ms
}

/// How often a request calls each service on average, in the order of the graph.
pub(super) fn visits(graph: &Graph) -> Vec<f64> {
    let mut visits = vec![0.0; graph.services.len()];
    if let Some(entry) = visits.first_mut() {
        *entry = 1.0;
    }
    let order = graph.from_the_leaves();
    for caller in order.into_iter().rev() {
        let Some(at) = position(graph, caller.name) else {
            continue;
        };
        for call in &caller.calls {
            if let Some(callee) = position(graph, call.service) {
                visits[callee] += visits[at] * call.probability;
            }
        }
    }
    visits
}

/// What a call of each service takes without any wait, in the order of the graph.
pub(super) fn calls_ms(graph: &Graph) -> Vec<f64> {
    let mut calls_ms = vec![0.0; graph.services.len()];
    for service in graph.from_the_leaves() {
        let mut takes_ms = own_ms(service);
        for group in service.call_groups() {
            let times = group.iter().map(|call| {
                let callee = position(graph, call.service);
                callee.map_or(0.0, |at| (calls_ms[at] + TRIP_MS) * call.probability)
            });
            takes_ms += times.fold(0.0, f64::max);
        }
        if let Some(at) = position(graph, service.name) {
            calls_ms[at] = takes_ms;
        }
    }
    calls_ms
}

fn position(graph: &Graph, name: Service) -> Option<usize> {
    graph
        .services
        .iter()
        .position(|service| service.name == name)
}

/// Calls that are made at the same time as one of `callee`, itself included, at the most.
fn siblings(graph: &Graph, callee: Service) -> u32 {
    let groups = graph.services.iter().flat_map(GraphService::call_groups);
    let with_it = groups.filter(|group| group.iter().any(|call| call.service == callee));
    with_it.map(<[_]>::len).max().unwrap_or(1) as u32
}

/// What the calls of `service` would take one after the other beyond what they take as they are, in
/// milliseconds.
pub(crate) fn saved_by_parallel_ms(graph: &Graph, service: Service) -> f64 {
    let calls_ms = calls_ms(graph);
    let Some(service) = graph.service(service) else {
        return 0.0;
    };
    let mut saved_ms = 0.0;
    for group in service.call_groups() {
        let times: Vec<f64> = group
            .iter()
            .filter_map(|call| Some(calls_ms[position(graph, call.service)?] * call.probability))
            .collect();
        saved_ms += times.iter().sum::<f64>() - times.iter().copied().fold(0.0, f64::max);
    }
    saved_ms
}

/// How the services that call `callee` do it.
pub(super) fn call_plans(graph: &Graph, callee: Service) -> Vec<&CallPlan> {
    let calls = graph.services.iter().flat_map(|service| &service.calls);
    calls
        .filter(|call| call.service == callee)
        .map(|call| &call.plan)
        .collect()
}
