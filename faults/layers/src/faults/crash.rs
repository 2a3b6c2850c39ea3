//! Crash: the process is killed, and comes back.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::random::ms_to_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PROCESSES, check_at_least};
use crate::action::Action;
use crate::decision::{Fault, Kind};

/// Kills the target's process when the fault starts. Requests in progress are cut and their spans
/// lost, new ones are refused until it is back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crash {
    /// Time until the process is back, above 0: when the fault stops unless given, and then at the
    /// latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    down_ms: Option<f64>,
}

impl Kind for Crash {
    const INFO: KindInfo = KindInfo {
        name: "crash",
        summary: "the process is killed: what it was doing is lost, and it refuses until it is back",
        resource: "process",
        services: PROCESSES,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        Crash {
            down_ms: Some(1500.0),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_at_least("down_ms", self.down_ms.unwrap_or(1.0), 0.001)
    }
}

impl Fault for Crash {
    fn meets_requests(&self) -> bool {
        false
    }

    fn action(&self) -> Option<Action> {
        Some(Action::Crash {
            down_us: self.down_ms.map(ms_to_us),
        })
    }
}
