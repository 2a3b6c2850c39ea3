//! Failed readiness: an instance that works says that it does not.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SERVERS;
use crate::decision::{Fault, Kind};

/// Lets the target say that it is not ready, though it serves whatever comes. Where callers check the
/// health of those they call (`network.health_check_ms`), its siblings get its load; where none is left,
/// calls fail.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailedReadiness {}

impl Kind for FailedReadiness {
    const INFO: KindInfo = KindInfo {
        name: "failed_readiness",
        summary: "an instance says that it is not ready, and its siblings get its load",
        resource: "readiness",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["queue", "errors", "retries"],
    };

    fn example() -> Self {
        FailedReadiness {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for FailedReadiness {
    fn meets_requests(&self) -> bool {
        false
    }

    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            unready: Some(true),
            ..Overrides::default()
        })
    }
}
