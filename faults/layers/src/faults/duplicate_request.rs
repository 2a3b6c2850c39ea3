//! Duplicate request: requests arrive twice.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SERVERS;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Sends each request twice, as a proxy does that repeats what it believes lost. The first is
/// answered; the copy is work that nobody waits for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DuplicateRequest {}

impl Kind for DuplicateRequest {
    const INFO: KindInfo = KindInfo {
        name: "duplicate_request",
        summary: "requests arrive twice, and a service does its work twice",
        resource: "the load of a service",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["queue", "lock", "compute"],
    };

    fn example() -> Self {
        DuplicateRequest {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for DuplicateRequest {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision {
            duplicate: true,
            ..Decision::default()
        }
    }
}
