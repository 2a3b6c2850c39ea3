//! What a service of a graph must have for a kind of fault to act on it.

use ragdoll_model::{Graph, GraphService, Stage};
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
    /// Work of it that is done for several requests together.
    Batch,
    /// Its accelerator.
    Device,
    /// Its reading and writing of messages.
    Codec,
    /// Its cache.
    Cache,
    /// Its inference engine.
    Engine,
    /// A loop of its stages.
    Loop,
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
    /// Nothing of a service, but the tokens of the load, which some inference engine reads.
    Tokens,
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
            Needs::Nothing | Needs::Client | Needs::Tokens | Needs::Zones => return None,
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
            Needs::Batch => (
                service.has_stage(|stage| matches!(stage, Stage::Batch(_))),
                "has no batches",
                "give it a stage `batch`",
            ),
            Needs::Device => (
                service.has_stage(|stage| matches!(stage, Stage::Device(_))),
                "has no accelerator",
                "give it a stage `device`",
            ),
            Needs::Codec => (
                service.has_stage(|stage| matches!(stage, Stage::Codec(_))),
                "takes no time for messages",
                "give it a stage `codec`",
            ),
            Needs::Cache => (
                service.has_stage(|stage| matches!(stage, Stage::Cache(_))),
                "has no cache",
                "give it a stage `cache`",
            ),
            Needs::Engine => (
                service.has_stage(|stage| matches!(stage, Stage::Generate(_))),
                "has no inference engine",
                "give it a stage `generate`",
            ),
            Needs::Loop => (
                service.has_stage(|stage| matches!(stage, Stage::Repeat(_))),
                "has no loop",
                "give it a stage `repeat`",
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
