//! Connection refused: nobody listens where callers connect.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::{Refusal, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tonic::Code;

use super::SERVERS;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Refuses connections to the target, as where nobody listens. The process itself runs on.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionRefused {}

impl Kind for ConnectionRefused {
    const INFO: KindInfo = KindInfo {
        name: "connection_refused",
        summary: "nobody listens at a service's address, and calls fail at once",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        ConnectionRefused {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for ConnectionRefused {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::refuse(Refusal::new(Code::Unavailable, "connection refused"))
    }
}
