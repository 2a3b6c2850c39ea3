//! Partition: nothing passes between the target and everybody else.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SERVERS;
use crate::action::Action;
use crate::decision::{Fault, Kind};
use crate::direction::Direction;

/// Cuts the target off from everybody else; on an edge, the callers from the callees. Messages are
/// held until the fault stops, as TCP would go on sending them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Partition {
    /// Which messages are held.
    #[serde(default)]
    direction: Direction,
}

impl Kind for Partition {
    const INFO: KindInfo = KindInfo {
        name: "partition",
        summary: "nothing passes between the target and everybody else, or from one service to another",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: true,
        callers: false,
        causes: &["network", "straggler", "errors", "retries"],
    };

    fn example() -> Self {
        Partition {
            direction: Direction::Both,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for Partition {
    fn meets_requests(&self) -> bool {
        false
    }

    /// Who is disconnected can neither send nor receive: half of that is no action.
    fn action(&self) -> Option<Action> {
        (self.direction == Direction::Both).then_some(Action::Partition)
    }

    fn cut(&self) -> Option<Direction> {
        Some(self.direction)
    }
}
