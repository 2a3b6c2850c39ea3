//! Token length shift: prompts or answers become longer.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Fault, Kind, LoadChange};

/// Changes how many tokens the requests bring and ask for. At least one of the two is given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenLengthShift {
    /// Factor on the tokens of the question and its instructions; of a recording, on those of the
    /// whole prompt. From 0.01 to 100.
    #[serde(default = "unchanged")]
    prompt_tokens_factor: f64,
    /// Factor on the tokens of the answer. From 0.01 to 100.
    #[serde(default = "unchanged")]
    output_tokens_factor: f64,
}

fn unchanged() -> f64 {
    1.0
}

impl Kind for TokenLengthShift {
    const INFO: KindInfo = KindInfo {
        name: "token_length_shift",
        summary: "prompts or answers have more tokens than before",
        resource: "the load",
        services: &[Service::CLIENT],
        graph: Some(Needs::Tokens),
        edges: false,
        standing: true,
        callers: false,
        causes: &["compute", "queue", "kv_cache"],
    };

    fn example() -> Self {
        TokenLengthShift {
            prompt_tokens_factor: 4.0,
            output_tokens_factor: 2.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        let factors = [self.prompt_tokens_factor, self.output_tokens_factor];
        if factors.iter().all(|factor| (factor - 1.0).abs() < 1e-9) {
            return Err(ParamError {
                key: None,
                message: "change nothing".to_owned(),
                fix: "add `prompt_tokens_factor` or `output_tokens_factor`".to_owned(),
            });
        }
        check_within("prompt_tokens_factor", factors[0], 0.01, 100.0)?;
        check_within("output_tokens_factor", factors[1], 0.01, 100.0)
    }
}

impl Fault for TokenLengthShift {
    fn meets_requests(&self) -> bool {
        false
    }

    fn load(&self) -> Option<LoadChange> {
        Some(LoadChange {
            prompt_tokens_factor: self.prompt_tokens_factor,
            output_tokens_factor: self.output_tokens_factor,
            ..LoadChange::default()
        })
    }
}
