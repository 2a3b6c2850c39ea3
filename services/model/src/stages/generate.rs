//! An answer by a language model.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::TokenDist;
use crate::llm::Llm;
use crate::mitigation::is_default;

/// Generation by an inference engine. Its prompt is the question and the documents found, and what loops added.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Generate {
    /// The engine of each instance. Its `instances` says nothing here: the service has its own.
    pub engine: Llm,
    /// Tokens that it generates; as many as the workload asks for unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<TokenDist>,
    /// Tokens of the prompt besides the question and the documents, at most 1,000,000.
    #[serde(skip_serializing_if = "is_default")]
    #[schemars(range(max = 1_000_000))]
    pub instruction_tokens: u32,
}
