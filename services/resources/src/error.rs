//! How a resource says no.

use ragdoll_runtime::RETRY_PUSHBACK_MS;
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
    /// The instance takes on no more at the same time.
    #[error("overloaded: {in_flight} requests in flight, {limit} allowed")]
    TooManyInFlight {
        /// Requests that are there.
        in_flight: usize,
        /// Requests that may be there.
        limit: usize,
    },
    /// The request waited for longer than the queue lets anybody wait.
    #[error("overloaded: no server came free within {limit_ms} ms")]
    WaitedTooLong {
        /// How long a request may wait.
        limit_ms: u64,
    },
    /// The request's turn came after its deadline.
    #[error("deadline exceeded while waiting")]
    Expired,
    /// More requests came than a limit lets through.
    #[error("rate limit exceeded: {per_s} requests a second")]
    RateLimited {
        /// Requests that pass in a second, as a text.
        per_s: String,
        /// Milliseconds until the next may pass.
        retry_after_ms: u64,
    },
    /// There is no room on the disk.
    #[error("no space left on device")]
    DiskFull,
    /// Two waited for each other, and this one gave up.
    #[error("deadlock detected on {lock}")]
    Deadlock {
        /// Name of the lock.
        lock: String,
    },
}

impl ResourceError {
    /// The gRPC status that a caller gets.
    pub fn code(&self) -> Code {
        match self {
            ResourceError::QueueFull { .. }
            | ResourceError::TooManyInFlight { .. }
            | ResourceError::RateLimited { .. }
            | ResourceError::WaitedTooLong { .. } => Code::ResourceExhausted,
            ResourceError::Expired => Code::DeadlineExceeded,
            ResourceError::PoolTimeout { .. } => Code::Unavailable,
            ResourceError::Deadlock { .. } => Code::Aborted,
            ResourceError::DiskFull => Code::Internal,
        }
    }
}

impl From<ResourceError> for Status {
    fn from(error: ResourceError) -> Status {
        let mut status = Status::new(error.code(), error.to_string());
        if let ResourceError::RateLimited { retry_after_ms, .. } = error {
            let metadata = status.metadata_mut();
            metadata.insert(RETRY_PUSHBACK_MS, retry_after_ms.into());
        }
        status
    }
}
