//! Hang: the process stands still, and goes on.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PROCESSES;
use crate::action::Action;
use crate::decision::{Fault, Kind};

/// Stops the target's process for as long as the fault lasts: connections to it are accepted and
/// never answered. Then it goes on with what is still wanted. It takes no parameters.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hang {}

impl Kind for Hang {
    const INFO: KindInfo = KindInfo {
        name: "hang",
        summary: "the process stands still: it accepts requests and does not answer them",
        resource: "process",
        services: PROCESSES,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["errors", "retries", "network", "straggler", "compute"],
    };

    fn example() -> Self {
        Hang {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for Hang {
    fn meets_requests(&self) -> bool {
        false
    }

    fn action(&self) -> Option<Action> {
        Some(Action::Hang)
    }
}
