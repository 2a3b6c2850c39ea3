//! Which way messages go, as seen from a target.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which messages a partition holds, as seen from its target; on an edge, from the callee.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// All of them.
    #[default]
    Both,
    /// Those towards the target: requests to it, and answers to its own requests.
    To,
    /// Those that it sends: its answers, and its own requests.
    From,
}
