//! Lock contention: the lock is held for longer, or protects more.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::topology::LockScope;
use ragdoll_model::{Dist, Service};
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_dist;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Changes how long each request holds the metadata store's lock, and what the lock protects.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockContention {
    /// How long a request holds the lock.
    hold: Dist,
    /// What the lock protects.
    #[serde(default = "global")]
    scope: LockScope,
}

fn global() -> LockScope {
    LockScope::Global
}

impl Kind for LockContention {
    const INFO: KindInfo = KindInfo {
        name: "lock_contention",
        summary: "each request holds the service's lock for longer, so that the others wait",
        resource: "lock",
        services: &[Service::METADATA],
        graph: Some(Needs::Lock),
        edges: false,
        standing: false,
        callers: false,
        causes: &["lock"],
    };

    fn example() -> Self {
        LockContention {
            hold: Dist::Exponential { mean_ms: 40.0 },
            scope: global(),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_dist("hold", &self.hold)
    }
}

impl Fault for LockContention {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            lock_hold: Some(self.hold),
            lock_scope: Some(self.scope),
            ..Overrides::default()
        })
    }
}
