//! gRPC's status codes as experiment files name them.

use ragdoll_fault_spec::ParamError;
use ragdoll_runtime::Refusal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tonic::Code;

/// What gRPC says of a call that failed; HTTP's status follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AnswerCode {
    /// HTTP 500.
    Unknown,
    /// HTTP 400.
    InvalidArgument,
    /// HTTP 504.
    DeadlineExceeded,
    /// HTTP 503.
    NotFound,
    /// HTTP 503.
    PermissionDenied,
    /// HTTP 429.
    ResourceExhausted,
    /// HTTP 503.
    FailedPrecondition,
    /// HTTP 503.
    Aborted,
    /// HTTP 500.
    Internal,
    /// HTTP 503.
    Unavailable,
    /// HTTP 500.
    DataLoss,
}

impl AnswerCode {
    /// The refusal that a service with this trouble would send.
    pub(crate) fn refusal(self, http_status: Option<u16>) -> Refusal {
        let (code, message) = match self {
            AnswerCode::Unknown => (Code::Unknown, "unknown error"),
            AnswerCode::InvalidArgument => (Code::InvalidArgument, "invalid argument"),
            AnswerCode::DeadlineExceeded => (Code::DeadlineExceeded, "deadline exceeded"),
            AnswerCode::NotFound => (Code::NotFound, "not found"),
            AnswerCode::PermissionDenied => (Code::PermissionDenied, "permission denied"),
            AnswerCode::ResourceExhausted => (Code::ResourceExhausted, "resource exhausted"),
            AnswerCode::FailedPrecondition => (Code::FailedPrecondition, "failed precondition"),
            AnswerCode::Aborted => (Code::Aborted, "aborted"),
            AnswerCode::Internal => (Code::Internal, "internal error"),
            AnswerCode::Unavailable => (Code::Unavailable, "service unavailable"),
            AnswerCode::DataLoss => (Code::DataLoss, "data loss"),
        };
        Refusal {
            http_status,
            ..Refusal::new(code, message)
        }
    }
}

/// What services say most often of trouble of their own.
pub(crate) fn internal() -> AnswerCode {
    AnswerCode::Internal
}

/// Checks the HTTP status that is to take the place of the one that follows from the code.
pub(crate) fn check_http_status(status: Option<u16>) -> Result<(), ParamError> {
    match status {
        Some(status) if !(400..=599).contains(&status) => Err(ParamError {
            key: Some("http_status".to_owned()),
            message: format!("is {status}"),
            fix: "use 400 to 599".to_owned(),
        }),
        _ => Ok(()),
    }
}
