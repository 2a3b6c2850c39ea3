//! The load as data: when requests arrive and what they ask.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::TokenDist;

/// The load on the system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Workload {
    /// When requests arrive.
    pub arrivals: Arrivals,
    /// Distinct queries that are asked, at least 1.
    pub queries: u32,
    /// Exponent of the Zipf law over topics, at least 0; 0 asks for all topics alike.
    pub topic_skew: f64,
    /// Distinct users, at least 1.
    pub users: u32,
    /// Contexts each query asks for, at least 1.
    pub top_k: u32,
    /// Tokens of the question and the instructions around it; the contexts' tokens come on top.
    pub prompt_tokens: TokenDist,
    /// Tokens of the answer.
    pub output_tokens: TokenDist,
    /// Documents a second that are sent to the ingest API, at least 0.
    pub ingest_per_s: f64,
}

impl Default for Workload {
    fn default() -> Self {
        Workload {
            arrivals: Arrivals {
                poisson_per_s: Some(10.0),
                ..Arrivals::default()
            },
            queries: 512,
            // Web search and cache traces follow Zipf's law with exponents from 0.64 to 0.83
            // (Breslau et al., INFOCOM 1999).
            topic_skew: 0.8,
            users: 200,
            // LangChain's vector-store retriever returns 4 documents.
            top_k: 4,
            // With 4 contexts of 200 tokens this makes the median prompt of Azure's conversation
            // service, 1,020 tokens (Splitwise, arXiv 2311.18677).
            prompt_tokens: TokenDist::Lognormal {
                median: 200.0,
                sigma: 0.3,
                max: 2000,
            },
            // Median answer of Azure's conversation service: 129 tokens (same source).
            output_tokens: TokenDist::Lognormal {
                median: 129.0,
                sigma: 0.6,
                max: 1000,
            },
            ingest_per_s: 0.0,
        }
    }
}

/// When requests arrive. Exactly one of `poisson_per_s`, `constant_per_s`, `ramp_per_s`,
/// `steps_per_s`, `users` and `file` is given.
///
/// All but `users` are open loop: a request is sent when it is due, whether or not earlier ones
/// were answered, and its latency counts from that moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Arrivals {
    /// Poisson process of this rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poisson_per_s: Option<f64>,
    /// Evenly spaced, this many a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant_per_s: Option<f64>,
    /// Poisson process whose rate goes linearly from the first to the second value over the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ramp_per_s: Option<[f64; 2]>,
    /// Poisson process that takes each of these rates for an equal part of the phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps_per_s: Option<Vec<f64>>,
    /// Closed loop: this many users, each of whom waits for the answer, thinks, and asks again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<u32>,
    /// Mean of the exponential time for which a user of the closed loop thinks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub think_ms: Option<f64>,
    /// Recorded arrivals, a path relative to the experiment file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Format of the recording.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<RecordedFormat>,
    /// How many times faster than recorded, above 0; 1 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<f64>,
    /// Part of the recording to replay: seconds from its start, from and to. All unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<[f64; 2]>,
}

/// Format of a recording of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordedFormat {
    /// CSV of the Azure Public Dataset: `TIMESTAMP,ContextTokens,GeneratedTokens`.
    AzureCsv,
    /// JSON lines of Mooncake: `timestamp` in milliseconds, `input_length`, `output_length`,
    /// `hash_ids`. A name that ends in `.gz` is decompressed.
    MooncakeJsonl,
}
