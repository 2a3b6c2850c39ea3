//! Why a process cannot be an instance.

use thiserror::Error;

/// A process that cannot be an instance, or cannot go on to be one.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// The command line or the plan has a mistake.
    #[error("{0}")]
    Plan(String),
    /// The environment is in the way.
    #[error("{what}: {source}{fix}")]
    Environment {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: std::io::Error,
        /// What to do; begins with `: ` or is empty.
        fix: &'static str,
    },
    /// The process that was asked is not ready.
    #[error("not ready: {0}")]
    NotReady(String),
    /// The model ran out of memory.
    #[error("out of memory")]
    OutOfMemory,
}

impl ServiceError {
    /// Exit code of the process.
    pub const fn exit_code(&self) -> u8 {
        match self {
            ServiceError::NotReady(_) => 1,
            ServiceError::Plan(_) => 2,
            ServiceError::Environment { .. } => 3,
            ServiceError::OutOfMemory => 137,
        }
    }

    pub(super) fn environment(what: String, source: std::io::Error, fix: &'static str) -> Self {
        ServiceError::Environment { what, source, fix }
    }
}
