//! Stages again and again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Stage;

/// An agent's loop: after each step it decides whether it needs another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repeat {
    /// What a step passes, at most 50 stages; no loop is among them.
    #[schemars(length(min = 1, max = 50))]
    pub stages: Vec<Stage>,
    /// Probability that a further step follows, from 0 to 1.
    #[serde(default = "default_again")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub again: f64,
    /// Steps at most, from 1 to 100.
    #[serde(default = "default_max_steps")]
    #[schemars(range(min = 1, max = 100))]
    pub max_steps: u32,
    /// Tokens by which each step makes the prompt longer: what the tools said.
    #[serde(default)]
    #[schemars(range(max = 1_000_000))]
    pub tokens_per_step: u32,
}

/// Assumption: two steps of three are followed by another, three in all on average.
fn default_again() -> f64 {
    0.67
}

/// Assumption: as LangChain's `AgentExecutor` stops after 15 (`max_iterations`).
fn default_max_steps() -> u32 {
    15
}
