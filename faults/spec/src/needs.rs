//! What a service of a graph must have for a kind of fault to act on it.

use ragdoll_model::{Graph, GraphService};
use serde::Serialize;

/// What a kind of fault changes in a service of a graph, where it acts on one at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// Something that every service has.
    Nothing,
    /// Its lock.
    Lock,
    /// Its disk.
    Disk,
    /// Its memory.
    Memory,
    /// Its pools of connections.
    Pool,
    /// Its calls.
    Calls,
    /// Calls of it that are made at once.
    ParallelCalls,
    /// Its choice among the instances of a service that it calls.
    Replicas,
    /// Nothing of a service, but the load.
    Client,
    /// Nothing of a service, but zones of the network.
    Zones,
}

impl Needs {
    /// What `service` lacks and how it gets it; `None` where it has all.
    pub(crate) fn missing_in(
        self,
        service: &GraphService,
        graph: &Graph,
    ) -> Option<(&'static str, &'static str)> {
        let has_replicas = |callee| {
            let callee = graph.service(callee);
            callee.is_some_and(|callee| callee.instances > 1)
        };
        let mut calls = service.all_calls();
        let (has, missing, fix) = match self {
            Needs::Nothing | Needs::Client | Needs::Zones => return None,
            Needs::Lock => (
                service.locks().next().is_some(),
                "has no lock",
                "give it a `lock`",
            ),
            Needs::Disk => (
                service.disk_uses().next().is_some(),
                "does not use its disk",
                "give it a stage `disk`",
            ),
            Needs::Memory => (
                service.memory.is_some(),
                "has memory without bounds",
                "give it a `memory`",
            ),
            Needs::Pool => (
                calls.any(|call| call.pool.is_some()),
                "has no pool of connections",
                "give one of its calls a `pool`",
            ),
            Needs::Calls => (
                calls.next().is_some(),
                "calls nobody",
                "choose one with `calls`",
            ),
            Needs::ParallelCalls => (
                service.call_groups().any(|group| group.len() > 1),
                "makes no calls at once",
                "give one of its calls `parallel_with_previous`",
            ),
            Needs::Replicas => (
                calls.any(|call| has_replicas(call.service)),
                "calls nobody who has several instances",
                "give a service that it calls more `instances`",
            ),
        };
        (!has).then_some((missing, fix))
    }
}
