//! Lock convoy: handing the lock over takes longer than holding it.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Fault, Kind};

/// Makes each handover of the store's lock to one who waits for it take time, in which nobody has it:
/// the waiter is woken, scheduled, and finds its caches cold. Where nobody waits nothing changes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockConvoy {
    /// Time of a handover to one who waits, in milliseconds, from 0.001 to 60,000.
    handoff_ms: f64,
}

impl Kind for LockConvoy {
    const INFO: KindInfo = KindInfo {
        name: "lock_convoy",
        summary: "handing the lock over to one who waits takes time, so that throughput falls once there is a queue",
        resource: "lock",
        services: &[Service::METADATA],
        graph: Some(Needs::Lock),
        edges: false,
        standing: true,
        callers: false,
        causes: &["lock"],
    };

    fn example() -> Self {
        LockConvoy { handoff_ms: 60.0 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("handoff_ms", self.handoff_ms, 0.001, 60_000.0)
    }
}

impl Fault for LockConvoy {
    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            lock_handoff_ms: Some(self.handoff_ms),
            ..Overrides::default()
        })
    }
}
