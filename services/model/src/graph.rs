//! A system of other services than those of RAG: a directed graph without cycles, each of whose
//! services works, and calls others.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::Dist;
use crate::ids::InstanceId;
use crate::links::{GraphCall, GraphLock};
use crate::mitigation::{Shedding, is_default};
use crate::resources::Memory;
use crate::service::Service;
use crate::stages::{Disk, DiskUse, Stage};

/// A system of services that call each other. Where it has any, it takes the place of the RAG system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Graph {
    /// The services, at most 300. Users call the first of them, over HTTP; it reaches all others, and
    /// no service reaches itself. With none at all the system is the RAG system.
    #[schemars(length(max = 300))]
    pub services: Vec<GraphService>,
    /// Deadline for the whole request, set by the first service.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub deadline_ms: f64,
}

impl Default for Graph {
    fn default() -> Self {
        Graph {
            services: Vec::new(),
            // As at the gateway: an AWS application load balancer cuts a connection that was idle
            // for 60 s (Elastic Load Balancing, "Connection idle timeout").
            deadline_ms: 60_000.0,
        }
    }
}

impl Graph {
    /// Services at most.
    pub const SERVICES_MAX: usize = 300;

    /// Whether there is no graph, but the RAG system.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty()
    }

    /// The service that users call.
    pub fn entry(&self) -> Option<&GraphService> {
        self.services.first()
    }

    /// The service of this name.
    pub fn service(&self, name: Service) -> Option<&GraphService> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Whether some service has such a stage.
    pub fn has_stage(&self, wanted: fn(&Stage) -> bool) -> bool {
        self.services
            .iter()
            .any(|service| service.has_stage(wanted))
    }

    /// Whether requests carry what they are about, since some service reads it.
    pub fn carries_content(&self) -> bool {
        self.has_stage(Stage::is_about_content)
    }

    /// Whether requests find documents.
    pub fn retrieves(&self) -> bool {
        self.has_stage(|stage| matches!(stage, Stage::Search(_)))
    }

    /// Every pair of services of which the first calls the second, in the order of the callers and of
    /// their calls. A pair that calls twice is there twice.
    pub fn edges(&self) -> impl Iterator<Item = (Service, Service)> {
        self.services.iter().flat_map(|caller| {
            let callees = caller.all_calls().map(|call| call.service);
            callees.map(move |callee| (caller.name, callee))
        })
    }

    /// The services from the leaves up: each after all that it calls. Those on a cycle, and those
    /// that reach one, are not among them.
    pub fn from_the_leaves(&self) -> Vec<&GraphService> {
        let mut order: Vec<&GraphService> = Vec::with_capacity(self.services.len());
        let mut placed: BTreeSet<Service> = BTreeSet::new();
        loop {
            let next: Vec<&GraphService> = self
                .services
                .iter()
                .filter(|service| !placed.contains(&service.name))
                .filter(|service| {
                    service
                        .all_calls()
                        .all(|call| placed.contains(&call.service))
                })
                .collect();
            if next.is_empty() {
                return order;
            }
            placed.extend(next.iter().map(|service| service.name));
            order.extend(next);
        }
    }
}

/// A service of a graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphService {
    /// What it is called; no other service of the graph is called so.
    pub name: Service,
    /// Copies, at least 1.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    pub instances: u32,
    /// Requests in progress at once in one copy, at least 1. A request keeps its worker while it
    /// waits for others.
    #[serde(default = "default_workers")]
    #[schemars(range(min = 1))]
    pub workers: u32,
    /// Requests that may wait for a worker; more are answered with RESOURCE_EXHAUSTED.
    #[serde(default = "default_queue_bound")]
    pub queue_bound: u32,
    /// Work of its own for each request.
    #[serde(default = "default_service_time")]
    pub service_time: Dist,
    /// Share of this work that is done before the calls, from 0 to 1; the rest follows them. A
    /// service without calls does all of it at once.
    #[serde(default = "default_work_before_calls")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub work_before_calls: f64,
    /// Processors of one copy, which all of its work shares; 0 for as many as it has workers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cpu_cores: u32,
    /// Processor time that one copy may use in each 100 ms, in milliseconds; 0 for no quota.
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(range(min = 0.0))]
    pub cpu_quota_ms: f64,
    /// Lock that each request passes after the work that comes before the calls; none unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<GraphLock>,
    /// Memory of one copy, of which a request takes some while it is served; without bounds unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// Requests that are refused.
    #[serde(default, skip_serializing_if = "is_default")]
    pub shedding: Shedding,
    /// Bytes of an answer, at most 1 MiB.
    #[serde(default = "default_response_bytes")]
    #[schemars(range(max = 1_048_576))]
    pub response_bytes: u32,
    /// What it calls, in this order; nothing unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<GraphCall>,
    /// What a request passes once it has a worker, one after the other, at most 50. They take the place of
    /// `service_time`, `work_before_calls`, `lock` and `calls`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub stages: Vec<Stage>,
    /// The disk of one copy, which stages use.
    #[serde(default, skip_serializing_if = "is_default")]
    pub disk: Disk,
    /// Name of a function that the program which runs this has registered, and that serves the requests in
    /// place of `service_time`, `work_before_calls`, `lock` and `stages`; it makes the calls of `calls` when
    /// it likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100))]
    pub behaviour: Option<String>,
}

impl GraphService {
    /// A service of this name that calls nobody.
    pub fn new(name: Service) -> Self {
        GraphService {
            name,
            instances: one(),
            workers: default_workers(),
            queue_bound: default_queue_bound(),
            service_time: default_service_time(),
            work_before_calls: default_work_before_calls(),
            cpu_cores: 0,
            cpu_quota_ms: 0.0,
            lock: None,
            memory: None,
            shedding: Shedding::default(),
            response_bytes: default_response_bytes(),
            calls: Vec::new(),
            stages: Vec::new(),
            disk: Disk::default(),
            behaviour: None,
        }
    }

    /// Every copy.
    pub fn instances(&self) -> impl Iterator<Item = InstanceId> {
        let service = self.name;
        (0..self.instances).map(move |index| InstanceId::new(service, index))
    }

    /// Processors of one copy.
    pub fn cores(&self) -> u32 {
        match self.cpu_cores {
            0 => self.workers,
            cores => cores,
        }
    }

    /// Every stage, each followed by those within it.
    pub fn all_stages(&self) -> impl Iterator<Item = &Stage> {
        let stages = self.stages.iter();
        stages.flat_map(|stage| std::iter::once(stage).chain(stage.inner()))
    }

    /// Whether it has such a stage, in a loop or not.
    pub fn has_stage(&self, wanted: fn(&Stage) -> bool) -> bool {
        self.all_stages().any(wanted)
    }

    /// Bytes of an answer on the wire, where its codec makes it shorter or longer.
    pub fn answer_bytes(&self) -> usize {
        let mut codecs = self.all_stages().filter_map(|stage| match stage {
            Stage::Codec(codec) => Some(codec.size_factor),
            _ => None,
        });
        let factor = codecs.next().unwrap_or(1.0);
        (f64::from(self.response_bytes) * factor).round() as usize
    }

    /// The calls in groups: those of a group are made at once, the groups one after the other.
    pub fn call_groups(&self) -> impl Iterator<Item = &[GraphCall]> {
        let staged = self.all_stages().filter_map(|stage| match stage {
            Stage::Calls(group) => Some(&group[..]),
            _ => None,
        });
        let listed = self.calls.chunk_by(|_, next| next.parallel_with_previous);
        listed.chain(staged)
    }

    /// Every call that it makes.
    pub fn all_calls(&self) -> impl Iterator<Item = &GraphCall> {
        self.call_groups().flatten()
    }

    /// Every call that it makes, with how often it is made where each loop takes all of its steps.
    pub fn calls_with_times(&self) -> impl Iterator<Item = (&GraphCall, f64)> {
        let once = self.calls.iter().map(|call| (call, 1.0));
        let staged = self.stages.iter().flat_map(|stage| {
            let times = match stage {
                Stage::Repeat(repeat) => f64::from(repeat.max_steps),
                _ => 1.0,
            };
            let stages = std::iter::once(stage).chain(stage.inner());
            let groups = stages.filter_map(|stage| match stage {
                Stage::Calls(group) => Some(group),
                _ => None,
            });
            groups.flatten().map(move |call| (call, times))
        });
        once.chain(staged)
    }

    /// The locks that a request passes.
    pub fn locks(&self) -> impl Iterator<Item = &GraphLock> {
        let staged = self.all_stages().filter_map(|stage| match stage {
            Stage::Lock(lock) => Some(lock),
            _ => None,
        });
        self.lock.iter().chain(staged)
    }

    /// What a request does with the disk.
    pub fn disk_uses(&self) -> impl Iterator<Item = &DiskUse> {
        self.all_stages().filter_map(|stage| match stage {
            Stage::Disk(disk) => Some(disk),
            _ => None,
        })
    }
}

fn one() -> u32 {
    1
}

/// Tomcat's `maxThreads` (Apache Tomcat 10, "The HTTP Connector").
fn default_workers() -> u32 {
    200
}

/// Tomcat's `acceptCount` (same page).
fn default_queue_bound() -> u32 {
    100
}

/// Assumption: a handler that looks a few things up in memory.
fn default_service_time() -> Dist {
    Dist::lognormal(5.0, 0.3)
}

/// Assumption: as much to read a question as to write an answer.
fn default_work_before_calls() -> f64 {
    0.5
}

/// Assumption: an answer is larger than its question.
fn default_response_bytes() -> u32 {
    1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Service {
        Service::from_name(text).expect("a name")
    }

    /// A service that calls others one after the other.
    fn caller(of: &str, callees: &[&str]) -> GraphService {
        let calls = callees.iter().map(|callee| GraphCall::new(name(callee)));
        GraphService {
            calls: calls.collect(),
            ..GraphService::new(name(of))
        }
    }

    fn graph(services: Vec<GraphService>) -> Graph {
        Graph {
            services,
            ..Graph::default()
        }
    }

    #[test]
    fn what_is_called_comes_before_its_caller() {
        let diamond = graph(vec![
            caller("frontend", &["cart", "pricing"]),
            caller("cart", &["inventory"]),
            caller("pricing", &["inventory"]),
            caller("inventory", &[]),
        ]);
        let names = |graph: &Graph| -> Vec<&str> {
            let order = graph.from_the_leaves();
            order.iter().map(|service| service.name.name()).collect()
        };
        assert_eq!(
            names(&diamond),
            ["inventory", "cart", "pricing", "frontend"]
        );
        let cycle = graph(vec![
            caller("frontend", &["cart"]),
            caller("cart", &["pricing", "tax"]),
            caller("pricing", &["cart"]),
            caller("tax", &[]),
        ]);
        assert_eq!(names(&cycle), ["tax"]);
        assert_eq!(diamond.edges().count(), 4);
    }

    #[test]
    fn calls_that_are_made_at_once_are_a_group() {
        let mut service = caller("frontend", &["cart", "pricing", "tax", "email"]);
        service.calls[1].parallel_with_previous = true;
        service.calls[3].parallel_with_previous = true;
        let groups = service.call_groups().map(<[GraphCall]>::len);
        assert_eq!(groups.collect::<Vec<_>>(), [2, 2]);
        service.calls[0].parallel_with_previous = true;
        assert_eq!(
            service.call_groups().count(),
            2,
            "of the first it says nothing"
        );
    }

    #[test]
    fn a_short_description_gets_the_defaults() {
        let text = r#"{ "services": [{ "name": "cart", "calls": [{ "service": "tax" }] }] }"#;
        let read: Graph = serde_json::from_str(text).expect("a graph");
        assert_eq!(read, graph(vec![caller("cart", &["tax"])]));
        let written = serde_json::to_string(&read).expect("plain data");
        let back: Graph = serde_json::from_str(&written).expect("the same graph");
        assert_eq!(back, read);
    }
}
