//! Worker loss: some of the servers are gone.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::decision::{Fault, Kind};

/// Leaves each instance of the target only so many of its servers; the others never come back to work
/// while the fault lasts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkerLoss {
    /// Servers that each instance has left, at least 1.
    workers: u32,
}

impl Kind for WorkerLoss {
    const INFO: KindInfo = KindInfo {
        name: "worker_loss",
        summary: "an instance has only some of its workers left, so that requests wait",
        resource: "workers",
        services: &[
            Service::GATEWAY,
            Service::METADATA,
            Service::EMBEDDER,
            Service::SHARD,
            Service::RERANKER,
        ],
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["queue"],
    };

    fn example() -> Self {
        WorkerLoss { workers: 1 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_at_least("workers", f64::from(self.workers), 1.0)
    }
}

impl Fault for WorkerLoss {
    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            servers: Some(self.workers),
            ..Overrides::default()
        })
    }
}
