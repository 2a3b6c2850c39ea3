//! Cache failure: what was remembered is out of reach.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes a service work as if it had no cache: nothing is found in it, and nothing is kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheFailure {}

impl Kind for CacheFailure {
    const INFO: KindInfo = KindInfo {
        name: "cache_failure",
        summary: "a service's caches are out of reach, so that all work is done again",
        resource: "cache",
        services: &[Service::GATEWAY],
        graph: Some(Needs::Cache),
        edges: false,
        standing: false,
        callers: false,
        causes: &["queue", "compute", "cache"],
    };

    fn example() -> Self {
        CacheFailure {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for CacheFailure {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            cache_down: Some(true),
            ..Overrides::default()
        })
    }
}
