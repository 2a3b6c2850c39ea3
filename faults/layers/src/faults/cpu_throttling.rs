//! CPU throttling: the process gets only so much processor time.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::action::Action;
use crate::decision::{Decision, Facts, Fault, Kind};

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
        services: &[Service::Reranker],
        edges: false,
        standing: true,
        causes: &["cpu"],
    };

    /// An engine takes no quota below 1 ms.
    fn check(&self) -> Result<(), ParamError> {
        check_at_least("quota_ms", self.quota_ms, 1.0)
    }
}

impl Fault for CpuThrottling {
    /// Requests meet the throttled processors; nothing is done to any one of them.
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::default()
    }

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
