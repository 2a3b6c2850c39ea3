//! One file a fault.

pub(crate) mod cpu_throttling;
pub(crate) mod crash;
pub(crate) mod hang;
pub(crate) mod latency;
pub(crate) mod lock_contention;
pub(crate) mod oom;
pub(crate) mod partition;
pub(crate) mod queueing;

use ragdoll_fault_spec::ParamError;
use ragdoll_model::{Dist, Service};

/// Every service that answers calls: what can be done to any process can be done to these.
const SERVERS: [Service; 8] = [
    Service::Gateway,
    Service::Metadata,
    Service::Embedder,
    Service::VectorDb,
    Service::Shard,
    Service::Reranker,
    Service::Llm,
    Service::IngestApi,
];

/// Checks a distribution under the parameter `key`.
fn check_dist(key: &str, dist: &Dist) -> Result<(), ParamError> {
    match dist.problem() {
        None => Ok(()),
        Some((parameter, must_be)) => Err(ParamError {
            key: Some(format!("{key}.{}.{parameter}", dist.name())),
            message: "is out of range".to_owned(),
            fix: format!("use {must_be}"),
        }),
    }
}

/// Checks that a number is at least `least`.
fn check_at_least(key: &str, value: f64, least: f64) -> Result<(), ParamError> {
    if value.is_finite() && value >= least {
        return Ok(());
    }
    Err(ParamError {
        key: Some(key.to_owned()),
        message: format!("is {value}"),
        fix: format!("use at least {least}"),
    })
}
