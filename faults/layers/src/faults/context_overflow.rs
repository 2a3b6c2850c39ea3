//! Context overflow: prompts are longer than the model takes.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;
/// Lets the model take only so many tokens, prompt and answer together. It refuses what is longer with
/// HTTP 400 and `context_length_exceeded`, as OpenAI-style servers do.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContextOverflow {
    /// Tokens of prompt and answer that the model takes, at least 1.
    context_tokens: u32,
}

impl Kind for ContextOverflow {
    const INFO: KindInfo = KindInfo {
        name: "context_overflow",
        summary: "the model refuses prompts that are longer than its context",
        resource: "inference engine",
        services: &[Service::LLM],
        graph: Some(Needs::Engine),
        edges: false,
        standing: false,
        callers: false,
        causes: &["errors"],
    };

    fn example() -> Self {
        ContextOverflow {
            context_tokens: 1000,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_at_least("context_tokens", f64::from(self.context_tokens), 1.0)
    }
}

impl Fault for ContextOverflow {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            context_tokens: Some(self.context_tokens),
            ..Overrides::default()
        })
    }
}
