//! Queueing: fewer or slower servers, a shorter queue.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overflow, Overrides};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::decision::{Fault, Kind};

/// Changes the service's servers and the queue in front of them. Absent parameters leave the
/// topology's value.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Queueing {
    /// Servers of each instance, at least 1; of an LLM, places in its running batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    servers: Option<u32>,
    /// Factor on each server's service time, above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_time_factor: Option<f64>,
    /// Requests that may wait for a server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue_bound: Option<u32>,
    /// What a request gets that finds the queue full.
    #[serde(default)]
    overflow: FullQueue,
}

/// What a request gets that finds the queue full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum FullQueue {
    /// RESOURCE_EXHAUSTED, or HTTP 503.
    #[default]
    Reject,
    /// It waits all the same.
    Wait,
}

impl Kind for Queueing {
    const INFO: KindInfo = KindInfo {
        name: "queueing",
        summary: "a service has fewer or slower servers, or a shorter queue, so that requests wait",
        resource: "workers, or the inference engine",
        services: &[
            Service::GATEWAY,
            Service::METADATA,
            Service::EMBEDDER,
            Service::SHARD,
            Service::RERANKER,
            Service::LLM,
        ],
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["queue", "compute"],
    };

    fn example() -> Self {
        Queueing {
            servers: Some(2),
            service_time_factor: None,
            queue_bound: None,
            overflow: FullQueue::Wait,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        let changes = [
            self.servers.is_some(),
            self.service_time_factor.is_some(),
            self.queue_bound.is_some(),
        ];
        if !changes.contains(&true) {
            return Err(ParamError {
                key: None,
                message: "change nothing".to_owned(),
                fix: "add `servers`, `service_time_factor` or `queue_bound`".to_owned(),
            });
        }
        check_at_least("servers", f64::from(self.servers.unwrap_or(1)), 1.0)?;
        check_at_least(
            "service_time_factor",
            self.service_time_factor.unwrap_or(1.0),
            0.001,
        )
    }
}

impl Fault for Queueing {
    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            servers: self.servers,
            service_time_factor: self.service_time_factor,
            queue_bound: self.queue_bound,
            overflow: Some(match self.overflow {
                FullQueue::Reject => Overflow::Reject,
                FullQueue::Wait => Overflow::Wait,
            }),
            ..Overrides::default()
        })
    }
}
