//! A look at each question.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A guardrail: some questions are turned down. The request then ends well, without an answer, in whoever called as well.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// Share of the questions that it turns down, from 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub blocked_share: f64,
}

impl Default for Guard {
    fn default() -> Self {
        // Assumption: one question in a hundred.
        Guard {
            blocked_share: 0.01,
        }
    }
}
