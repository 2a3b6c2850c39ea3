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
            // Assumption: half of what the one LLM carries, which spends about 0.16 s on a request
            // of this mix. Azure's conversation service saw 5.5 requests a second over the hour of
            // the data set below.
            arrivals: Arrivals {
                poisson_per_s: Some(3.0),
                ..Arrivals::default()
            },
            // Assumption: enough for each of 32 topics to be asked about in several ways.
            queries: 512,
            // Requests in traces of web proxies follow a Zipf-like law with exponents from 0.64 to
            // 0.83 (Breslau et al., "Web Caching and Zipf-like Distributions", INFOCOM 1999). That
            // topics are as skewed as pages is an assumption.
            topic_skew: 0.8,
            // Assumption: few enough for a user to come back within a phase.
            users: 200,
            // LangChain's vector stores return 4 documents (`similarity_search`, `k`).
            top_k: 4,
            // Assumption: with 4 contexts of 200 tokens this makes a median prompt of 1,036 tokens;
            // that of Azure's conversation service is 1,020 (Azure Public Dataset,
            // AzureLLMInferenceTrace_conv of 2023, 19,366 requests).
            prompt_tokens: TokenDist::Lognormal {
                median: 200.0,
                sigma: 0.3,
                max: 2000,
            },
            // Answers in the same data set: median 129, standard deviation of the logarithm 0.86,
            // longest 1,000.
            output_tokens: TokenDist::Lognormal {
                median: 129.0,
                sigma: 0.86,
                max: 1000,
            },
            // No indexing unless an experiment asks for it.
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
