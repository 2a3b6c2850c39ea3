//! Memory leak: each request leaves memory behind, until there is no more.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Lets requests leave memory behind that nobody gives back. The process grows until an allocation
/// does not fit, is killed, and begins anew. What leaked stays after the fault is over, until then.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemoryLeak {
    /// Memory that each request leaves behind, in bytes, from 1 to 1,000,000,000,000.
    memory_leak_bytes_per_request: u64,
}

impl Kind for MemoryLeak {
    const INFO: KindInfo = KindInfo {
        name: "memory_leak",
        summary: "each request leaves memory behind, until the process is killed for want of it",
        resource: "memory",
        services: &[Service::RERANKER],
        graph: Some(Needs::Memory),
        edges: false,
        standing: false,
        callers: false,
        causes: &["memory"],
    };

    fn example() -> Self {
        MemoryLeak {
            memory_leak_bytes_per_request: 16 << 20,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        let bytes = self.memory_leak_bytes_per_request as f64;
        check_within("memory_leak_bytes_per_request", bytes, 1.0, 1e12)
    }
}

impl Fault for MemoryLeak {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            memory_leak_bytes_per_request: Some(self.memory_leak_bytes_per_request),
            ..Overrides::default()
        })
    }
}
