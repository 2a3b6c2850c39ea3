//! Malformed response: answers cannot be read.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SERVERS;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;
use crate::spoil::Spoil;

/// Turns what an answer says into bytes that mean nothing. The service believes that it answered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MalformedResponse {}

impl Kind for MalformedResponse {
    const INFO: KindInfo = KindInfo {
        name: "malformed_response",
        summary: "answers of a service cannot be read by those who asked",
        resource: "answers",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: false,
        causes: &["errors"],
    };

    fn example() -> Self {
        MalformedResponse {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for MalformedResponse {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision {
            spoil: Some(Spoil::Garble),
            ..Decision::default()
        }
    }
}
