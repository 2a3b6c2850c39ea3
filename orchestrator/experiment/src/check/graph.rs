//! Graphs of services: every name is known, nobody calls itself in the end, and users' requests come
//! to all.

use std::collections::{BTreeMap, BTreeSet};

use ragdoll_model::{Graph, GraphCall, GraphService, Service, Stage, Topology};

use super::behaviours::check_behaviours;
use super::stages::{check_stages, stages_with_paths};
use crate::document::{KeyPath, Problems};
use crate::spec_error::suggest;

/// Instances at most, of all services of a graph or of shards; more would not fit in a laptop's memory.
pub(super) const INSTANCES_MAX: u64 = 4096;

/// What the ranges of single keys do not say about a graph.
pub(super) fn check_graph(topology: &Topology, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let graph = &topology.graph;
    let at = path.key("graph");
    if graph.is_empty() {
        if *graph != Graph::default() {
            let fix = "add a service, [[topology.graph.services]], or remove the graph";
            problems.add(&at, "has no services", fix);
        }
        return;
    }
    check_unused(topology, path, problems);
    let services = at.key("services");
    let before = problems.len();
    check_names(graph, &services, problems);
    check_callees(graph, &services, problems);
    check_memory(graph, &services, problems);
    check_instances(graph, &services, problems);
    check_stages(graph, &services, problems);
    check_behaviours(graph, &services, problems);
    if problems.len() > before {
        return;
    }
    match cycle(graph) {
        Some(cycle) => {
            let names: Vec<&str> = cycle.iter().map(|name| name.name()).collect();
            problems.add(
                &services,
                format!("call each other in a circle: {}", names.join(" -> ")),
                "remove one of these calls",
            );
        }
        None => {
            check_reach(graph, &services, problems);
            check_calls(graph, &services, problems);
        }
    }
}

/// Tables of the RAG system mean nothing beside a graph, and whoever gives one expects something of it.
fn check_unused(topology: &Topology, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let usual = Topology::default();
    let given = [
        ("gateway", topology.gateway != usual.gateway),
        ("metadata", topology.metadata != usual.metadata),
        ("embedder", topology.embedder != usual.embedder),
        ("vector_db", topology.vector_db != usual.vector_db),
        ("shard", topology.shard != usual.shard),
        ("reranker", topology.reranker != usual.reranker),
        ("llm", topology.llm != usual.llm),
        ("ingest", topology.ingest != usual.ingest),
    ];
    for (key, _) in given.into_iter().filter(|&(_, is_given)| is_given) {
        let message = "is given, but the system is a graph of services";
        let fix = "leave it out, and give a service of the graph what it should have";
        problems.add(&path.key(key), message, fix);
    }
}

fn check_names(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    for (index, service) in graph.services.iter().enumerate() {
        let earlier = &graph.services[..index];
        if service.name == Service::CLIENT {
            let message = "is \"client\", as whoever sends the load is called";
            problems.add(
                &path.index(index).key("name"),
                message,
                "choose another name",
            );
        }
        if let Some(first) = earlier.iter().position(|other| other.name == service.name) {
            let message = format!("is \"{}\", as is that of `services[{first}]`", service.name);
            let fix = "give each service a name of its own";
            problems.add(&path.index(index).key("name"), message, fix);
        }
    }
}

fn check_callees(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let names = || graph.services.iter().map(|service| service.name.name());
    for (index, service) in graph.services.iter().enumerate() {
        let path = path.index(index);
        for (path, call) in calls_with_paths(service, &path) {
            if graph.service(call.service).is_none() {
                let callee = call.service.name();
                let message = format!("is \"{callee}\", which the graph does not have");
                let others = names().filter(|name| *name != service.name.name());
                problems.add(&path.key("service"), message, suggest(callee, others));
            }
        }
    }
}

fn calls_with_paths<'s>(
    service: &'s GraphService,
    path: &KeyPath,
) -> Vec<(KeyPath, &'s GraphCall)> {
    let numbered = |calls: &'s [GraphCall], path: KeyPath| {
        let calls = calls.iter().enumerate();
        calls.map(move |(number, call)| (path.index(number), call))
    };
    let mut all: Vec<_> = numbered(&service.calls, path.key("calls")).collect();
    for (path, stage) in stages_with_paths(service, path) {
        if let Stage::Calls(group) = stage {
            all.extend(numbered(group, path.key("calls")));
        }
    }
    all
}

/// Calls that one request may lead to, wherever they are made: more would take longer than anybody waits.
const CALLS_MAX: f64 = 10_000.0;

/// Whether a request leads to a number of calls that can be made, where each loop takes all of its steps.
fn check_calls(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let mut visits: BTreeMap<Service, f64> = BTreeMap::new();
    visits.extend(graph.entry().map(|entry| (entry.name, 1.0)));
    for service in graph.from_the_leaves().into_iter().rev() {
        let own = visits.get(&service.name).copied().unwrap_or(0.0);
        for (call, times) in service.calls_with_times() {
            *visits.entry(call.service).or_default() += own * times * call.probability;
        }
    }
    let calls: f64 = visits.values().sum();
    if calls > CALLS_MAX {
        let message = format!("may be called {calls:.3e} times together for one request");
        let fix = format!("use fewer calls or steps of loops: at most {CALLS_MAX} calls a request");
        problems.add(path, message, fix);
    }
}

fn check_instances(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let all = graph.services.iter();
    let count: u64 = all.map(|service| u64::from(service.instances)).sum();
    if count > INSTANCES_MAX {
        let message = format!("have {count} instances together");
        problems.add(path, message, format!("use at most {INSTANCES_MAX}"));
    }
}

fn check_memory(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    for (index, service) in graph.services.iter().enumerate() {
        if let Some(memory) = &service.memory {
            super::memory::check_memory(memory, &path.index(index).key("memory"), problems);
        }
    }
}

/// The services of a circle of calls, each before the one that it calls, the first again at the end.
fn cycle(graph: &Graph) -> Option<Vec<Service>> {
    let sound = graph.from_the_leaves();
    let is_sound = |name| sound.iter().any(|service| service.name == name);
    // Whoever is not sound calls somebody who is not either, so that this way ends in a circle.
    let mut services = graph.services.iter();
    let mut at = services.find(|service| !is_sound(service.name))?;
    let mut way: Vec<Service> = Vec::new();
    loop {
        if let Some(start) = way.iter().position(|name| *name == at.name) {
            way.push(at.name);
            return Some(way.split_off(start));
        }
        way.push(at.name);
        let next = at.all_calls().find(|call| !is_sound(call.service))?;
        at = graph.service(next.service)?;
    }
}

/// Whether users' requests come to every service, as far as they may.
fn check_reach(graph: &Graph, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let Some(entry) = graph.entry() else {
        return;
    };
    let mut reached = BTreeSet::from([entry.name]);
    for service in graph.from_the_leaves().into_iter().rev() {
        if reached.contains(&service.name) {
            reached.extend(service.all_calls().map(|call| call.service));
        }
    }
    for (index, service) in graph.services.iter().enumerate() {
        if !reached.contains(&service.name) {
            let message = format!(
                "is \"{}\", to which no request comes: it is not called by \"{}\", nor by whom that calls",
                service.name, entry.name
            );
            let fix = "add a call of it, or remove it";
            problems.add(&path.index(index).key("name"), message, fix);
        }
    }
}
