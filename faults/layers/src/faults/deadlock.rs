//! Deadlock: two transactions wait for each other until one is given up.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;
/// Lets a request that has the store's lock wait for one that waits for it. It keeps the lock until the
/// store looks for deadlocks, and then fails with ABORTED. `probability` says how many do.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deadlock {
    /// Time until the store finds the deadlock, in milliseconds, from 1 to 600,000.
    timeout_ms: f64,
}

impl Kind for Deadlock {
    const INFO: KindInfo = KindInfo {
        name: "deadlock",
        summary: "a request that holds the lock waits for one that waits for it, until it is given up with ABORTED",
        resource: "lock",
        services: &[Service::METADATA],
        graph: Some(Needs::Lock),
        edges: false,
        standing: false,
        callers: false,
        causes: &["lock"],
    };

    fn example() -> Self {
        // PostgreSQL looks for deadlocks after a second (`deadlock_timeout`).
        Deadlock { timeout_ms: 1000.0 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("timeout_ms", self.timeout_ms, 1.0, 600_000.0)
    }
}

impl Fault for Deadlock {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            deadlock_ms: Some(self.timeout_ms),
            ..Overrides::default()
        })
    }
}
