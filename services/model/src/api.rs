//! HTTP messages: the gateway's query, the LLM's chat completion, the ingest API's document.

use serde::{Deserialize, Serialize};

/// Body of `POST /v1/query`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryRequest {
    /// The question.
    pub query: String,
    /// Contexts to return, at least 1.
    #[serde(default = "default_top_k")]
    pub top_k: u32,
    /// Who asks.
    #[serde(default)]
    pub user: String,
    /// Tokens of question and instructions, where they are not to be counted from `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u32>,
    /// Tokens of the whole prompt, contexts included: replaces the count (recorded loads).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_prompt_tokens: Option<u32>,
    /// Tokens to generate.
    #[serde(default = "default_max_tokens")]
    pub max_tokens: u32,
}

fn default_top_k() -> u32 {
    4
}

fn default_max_tokens() -> u32 {
    128
}

/// Answer to a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryResponse {
    /// The generated text.
    pub answer: String,
    /// The contexts that the answer was generated from, best first.
    pub contexts: Vec<Context>,
    /// Token counts.
    pub usage: Usage,
    /// Where the time went, as the gateway saw it.
    pub timing: Timing,
    /// Partitions of the index that answered, in ascending order.
    pub shards_answered: Vec<u32>,
    /// Partitions of the index that were asked.
    pub shards_queried: u32,
}

/// A retrieved document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Context {
    /// Document number.
    pub document: u32,
    /// Similarity to the query, higher is better.
    pub score: f32,
}

/// Token counts of a completion, with OpenAI's names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens generated.
    pub completion_tokens: u32,
    /// Sum of both.
    pub total_tokens: u32,
}

/// Milliseconds spent in each step of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// Look-up of the user's scope.
    pub metadata_ms: f64,
    /// Query to vector.
    pub embedding_ms: f64,
    /// Search over all shards.
    pub retrieval_ms: f64,
    /// Cross-encoder.
    pub rerank_ms: f64,
    /// Call of the LLM.
    pub generation_ms: f64,
    /// Time to first token within the LLM.
    pub time_to_first_token_ms: f64,
    /// The whole request.
    pub total_ms: f64,
}

/// Body of `POST /v1/chat/completions`: the part of OpenAI's request that the stub acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// Model name, echoed.
    #[serde(default)]
    pub model: String,
    /// The conversation.
    #[serde(default)]
    pub messages: Vec<Message>,
    /// Tokens to generate.
    #[serde(default = "default_max_tokens")]
    pub max_tokens: u32,
    /// Answer as server-sent events, one chunk a token.
    #[serde(default)]
    pub stream: bool,
    /// Tokens of the prompt, where they are not to be counted from the messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_tokens: Option<u32>,
}

/// One message of a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Text.
    pub content: String,
}

/// Answer to a chat request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatResponse {
    /// Identifier of the completion.
    pub id: String,
    /// Always `chat.completion`.
    pub object: String,
    /// Unix time in seconds.
    pub created: u64,
    /// Model that answered.
    pub model: String,
    /// One choice.
    pub choices: Vec<Choice>,
    /// Token counts.
    pub usage: Usage,
    /// The engine's own times, which OpenAI's API does not have.
    pub timing: GenerationTiming,
}

/// One generated answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Position, from 0.
    pub index: u32,
    /// The answer.
    pub message: Message,
    /// Why generation stopped: `length`.
    pub finish_reason: String,
}

/// Milliseconds a request spent in the inference engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GenerationTiming {
    /// Waiting for a place in the running batch.
    pub queue_ms: f64,
    /// Arrival to first token.
    pub time_to_first_token_ms: f64,
    /// Mean time between the later tokens.
    pub inter_token_latency_ms: f64,
    /// Times the sequence lost its KV cache to others and was computed again.
    pub preemptions: u32,
}

/// Body of `POST /v1/documents`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentRequest {
    /// Document number; an existing one is replaced.
    pub document: u32,
    /// Text.
    pub text: String,
}

/// Answer of the ingest API: the document is on the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DocumentAccepted {
    /// Document number.
    pub document: u32,
    /// Messages on the queue, this one included.
    pub queue_depth: u32,
}
