//! Resources that services of the RAG system and of a graph have alike, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::Dist;
use crate::mitigation::{Bulkhead, CircuitBreaker, is_default};

/// What a lock protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockScope {
    /// One lock for everything.
    Global,
    /// One lock a key, here a user.
    PerKey,
}

/// Memory of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Limit past which the process is killed.
    pub budget_bytes: u64,
    /// Memory that the process holds when it is idle: code, model weights.
    pub base_bytes: u64,
    /// Working memory for each byte of input.
    pub bytes_per_input_byte: f64,
    /// Bytes each request leaves behind for good.
    pub leak_bytes_per_request: u64,
    /// Time that the process spends reclaiming memory, stalled, before it is killed.
    pub reclaim_ms: f64,
    /// Time from the process's death until it takes requests again.
    pub restart_ms: f64,
    /// Garbage each request makes for each byte of working memory; 0 where there is no collector.
    pub garbage_factor: f64,
    /// Share of the budget that live memory and garbage may fill before a collection.
    pub gc_threshold: f64,
    /// How long a collection stops the process.
    pub gc_pause: Dist,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            // Assumption: a limit that ordinary requests leave mostly free.
            budget_bytes: 4 << 30,
            // Assumption: ms-marco-MiniLM-L12-v2 is 33 million parameters of 4 bytes, 0.13 GB
            // (Hugging Face model card); the rest is the interpreter and PyTorch.
            base_bytes: 1 << 30,
            // Assumption: 4 KiB a token, the order of one feed-forward activation of that model
            // (1,536 numbers of 4 bytes).
            bytes_per_input_byte: 1024.0,
            // No fault: leaks, reclaiming and a collector come from experiments.
            leak_bytes_per_request: 0,
            reclaim_ms: 0.0,
            // Kubernetes waits 10 s before it restarts a container that keeps crashing, and doubles
            // that up to 5 minutes ("Pod Lifecycle", container restarts).
            restart_ms: 10_000.0,
            garbage_factor: 0.0,
            // Assumption, without effect while `garbage_factor` is 0.
            gc_threshold: 0.8,
            gc_pause: Dist::fixed(0.0),
        }
    }
}

/// How a downstream service is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallPlan {
    /// Deadline of one attempt; 0 for none but the request's own.
    pub timeout_ms: f64,
    /// Attempts at most, at least 1.
    pub attempts: u32,
    /// Mean wait before the second attempt; it doubles with every further one, with full jitter.
    pub backoff_ms: f64,
    /// Time after which a second copy of the call is sent and the first answer taken; 0 for never.
    pub hedge_after_ms: f64,
    /// Retries that each call allows, as a share: with 0.2 one in five calls may be tried again.
    /// With this and `retry_budget_min_per_s` both 0 there is no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub retry_budget: f64,
    /// Retries a second that are allowed besides, whatever the number of calls.
    #[serde(skip_serializing_if = "is_default")]
    pub retry_budget_min_per_s: f64,
    /// Second copies that each call allows, as a share; 0 for no limit.
    #[serde(skip_serializing_if = "is_default")]
    pub hedge_budget: f64,
    /// Refusing to call while the service fails.
    #[serde(skip_serializing_if = "is_default")]
    pub circuit_breaker: CircuitBreaker,
    /// Bound on calls at once.
    #[serde(skip_serializing_if = "is_default")]
    pub bulkhead: Bulkhead,
}

impl Default for CallPlan {
    fn default() -> Self {
        CallPlan {
            // gRPC sets no deadline, retries nothing and hedges nothing unless told to (grpc.io,
            // "Deadlines", "Retry", "Request Hedging").
            timeout_ms: 0.0,
            attempts: 1,
            // gRPC's example of a retry policy: `initialBackoff` 0.1 s, `backoffMultiplier` 2 (gRFC
            // A6, client retries).
            backoff_ms: 100.0,
            hedge_after_ms: 0.0,
            // Off: experiments switch them on.
            retry_budget: 0.0,
            retry_budget_min_per_s: 0.0,
            hedge_budget: 0.0,
            circuit_breaker: CircuitBreaker::default(),
            bulkhead: Bulkhead::default(),
        }
    }
}
