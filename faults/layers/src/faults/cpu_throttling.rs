//! CPU throttling: the process gets only so much processor time.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::action::Action;
use crate::decision::{Fault, Kind};

/// Changes the processor time that all of the target's work together gets in each period of 100 ms.
/// Past it, all of it stops until the next period begins.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CpuThrottling {
    /// Processor time in each 100 ms, of all processors together, at least 1.
    quota_ms: f64,
}

impl Kind for CpuThrottling {
    const INFO: KindInfo = KindInfo {
        name: "cpu_throttling",
        summary: "the process may use only so much processor time in each 100 ms",
        resource: "cpu",
        services: &[Service::RERANKER],
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["cpu"],
    };

    /// An engine takes no quota below 1 ms.
    fn example() -> Self {
        CpuThrottling { quota_ms: 20.0 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_at_least("quota_ms", self.quota_ms, 1.0)
    }
}

impl Fault for CpuThrottling {
    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            cpu_quota_ms: Some(self.quota_ms),
            ..Overrides::default()
        })
    }

    fn action(&self) -> Option<Action> {
        Some(Action::CpuQuota {
            quota_ms: self.quota_ms,
        })
    }
}
