//! Retry storm: callers try again more often, sooner, and give up earlier.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Changes how a caller's calls are repeated. It makes no call fail by itself: what fails, or takes
/// longer than `timeout_ms`, is tried again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryStorm {
    /// Attempts of each call, from 2 to 100.
    attempts: u32,
    /// Mean wait before the second attempt, in milliseconds; it doubles with each further one. 0 for
    /// none.
    #[serde(default)]
    backoff_ms: f64,
    /// Deadline of each attempt, in milliseconds; that of the topology unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<f64>,
}

impl Kind for RetryStorm {
    const INFO: KindInfo = KindInfo {
        name: "retry_storm",
        summary: "a caller repeats its calls more often, without waiting in between",
        resource: "call plan",
        services: &[Service::GATEWAY, Service::VECTOR_DB],
        graph: Some(Needs::Calls),
        edges: false,
        standing: false,
        callers: false,
        causes: &["retries", "queue", "errors"],
    };

    fn example() -> Self {
        RetryStorm {
            attempts: 6,
            backoff_ms: 0.0,
            timeout_ms: Some(500.0),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        if !(2..=100).contains(&self.attempts) {
            return Err(ParamError {
                key: Some("attempts".to_owned()),
                message: format!("is {}", self.attempts),
                fix: "use 2 to 100".to_owned(),
            });
        }
        check_at_least("backoff_ms", self.backoff_ms, 0.0)?;
        check_at_least("timeout_ms", self.timeout_ms.unwrap_or(1.0), 1.0)
    }
}

impl Fault for RetryStorm {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            attempts: Some(self.attempts),
            backoff_ms: Some(self.backoff_ms),
            timeout_ms: self.timeout_ms,
            ..Overrides::default()
        })
    }
}
