//! What a service of a graph locks and calls, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::Dist;
use crate::mitigation::is_default;
use crate::resources::{CallPlan, LockScope};
use crate::service::Service;

/// A lock of a service.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphLock {
    /// What it protects: everything, or one user's row.
    #[serde(default = "global")]
    pub scope: LockScope,
    /// How long a request holds it.
    #[serde(default = "default_hold")]
    pub hold: Dist,
}

/// A call from one service of a graph to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphCall {
    /// The callee.
    pub service: Service,
    /// Whether it is made at the same time as the call before it, and not after that; of the first
    /// call it says nothing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub parallel_with_previous: bool,
    /// Probability that a request makes it, from 0 to 1.
    #[serde(default = "certain")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub probability: f64,
    /// Whether the request goes on where it fails, without what it would have brought.
    #[serde(default, skip_serializing_if = "is_default")]
    pub optional: bool,
    /// Bytes of the message, at most 1 MiB.
    #[serde(default = "default_request_bytes")]
    #[schemars(range(max = 1_048_576))]
    pub request_bytes: u32,
    /// Connections that the caller keeps, of which the call takes one; no limit unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<GraphPool>,
    /// How the callee is called.
    #[serde(default, skip_serializing_if = "is_default")]
    pub plan: CallPlan,
}

impl GraphCall {
    /// A call that every request makes, after those before it.
    pub fn new(service: Service) -> Self {
        GraphCall {
            service,
            parallel_with_previous: false,
            probability: certain(),
            optional: false,
            request_bytes: default_request_bytes(),
            pool: None,
            plan: CallPlan::default(),
        }
    }
}

/// Connections that one instance keeps to a service.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GraphPool {
    /// Connections, at least 1.
    #[schemars(range(min = 1))]
    pub size: u32,
    /// How long a request waits for one of them.
    #[serde(default = "default_pool_timeout_ms")]
    #[schemars(range(min = 0.0))]
    pub timeout_ms: f64,
}

/// Assumption: short, so that a lock by itself limits nothing at usual rates.
fn default_hold() -> Dist {
    Dist::lognormal(0.5, 0.3)
}

/// Assumption: a small message, which no network is slow for.
fn default_request_bytes() -> u32 {
    256
}

/// HikariCP: `connectionTimeout` 30 s (README).
fn default_pool_timeout_ms() -> f64 {
    30_000.0
}

fn certain() -> f64 {
    1.0
}

fn global() -> LockScope {
    LockScope::Global
}
