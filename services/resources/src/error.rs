//! How a resource says no.

use thiserror::Error;
use tonic::{Code, Status};

/// Why a resource did not serve a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResourceError {
    /// The queue in front of the servers holds as much as it may.
    #[error("queue full: {waiting} waiting, {bound} allowed")]
    QueueFull {
        /// Requests that wait.
        waiting: usize,
        /// Requests that may wait.
        bound: usize,
    },
    /// No connection came free in time.
    #[error("no connection of pool {pool} came free within {timeout_ms} ms")]
    PoolTimeout {
        /// Name of the pool.
        pool: String,
        /// How long the request waited.
        timeout_ms: u64,
    },
}

impl ResourceError {
    /// The gRPC status that a caller gets.
    pub fn code(&self) -> Code {
        match self {
            ResourceError::QueueFull { .. } => Code::ResourceExhausted,
            ResourceError::PoolTimeout { .. } => Code::Unavailable,
        }
    }
}

impl From<ResourceError> for Status {
    fn from(error: ResourceError) -> Status {
        Status::new(error.code(), error.to_string())
    }
}
