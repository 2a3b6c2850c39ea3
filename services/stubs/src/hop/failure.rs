//! How a behaviour fails, and how it learns that a call did: gRPC's codes, without a library's types.

use std::fmt;

use ragdoll_telemetry::names::grpc_code_name;

/// Why something failed: the codes of gRPC but OK ("Status codes and their use in gRPC").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The caller gave up.
    Cancelled = 1,
    /// Something else.
    Unknown = 2,
    /// The request itself is wrong.
    InvalidArgument = 3,
    /// It took too long.
    DeadlineExceeded = 4,
    /// What was asked for is not there.
    NotFound = 5,
    /// What was to be made is there already.
    AlreadyExists = 6,
    /// The caller may not.
    PermissionDenied = 7,
    /// Something is used up: a queue, a limit, memory.
    ResourceExhausted = 8,
    /// The system is not in a state for this.
    FailedPrecondition = 9,
    /// Something else came between.
    Aborted = 10,
    /// Past the valid range.
    OutOfRange = 11,
    /// Nobody does this here.
    Unimplemented = 12,
    /// A defect of the callee.
    Internal = 13,
    /// Nobody answers; another attempt may help.
    Unavailable = 14,
    /// Data is lost for good.
    DataLoss = 15,
    /// The caller is not known.
    Unauthenticated = 16,
}

impl Code {
    const ALL: [Code; 16] = [
        Code::Cancelled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ];

    /// Its name in telemetry, such as `UNAVAILABLE`.
    pub fn name(self) -> &'static str {
        grpc_code_name(self as i32)
    }
}

/// A failure: what kind, and in which words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind.
    pub code: Code,
    /// In words, for logs.
    pub message: String,
}

impl Failure {
    /// A failure of this kind, in these words.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Failure {
            code,
            message: message.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Failure {}

impl From<tonic::Status> for Failure {
    fn from(status: tonic::Status) -> Self {
        let number = status.code() as i32;
        let mut codes = Code::ALL.into_iter();
        let code = codes.find(|&code| code as i32 == number);
        let code = code.unwrap_or_else(|| panic!("a failure has a code, not {status:?}"));
        Failure::new(code, status.message())
    }
}

impl From<Failure> for tonic::Status {
    fn from(failure: Failure) -> Self {
        tonic::Status::new(tonic::Code::from_i32(failure.code as i32), failure.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_comes_back_from_grpc() {
        for number in 1..=16 {
            let of_grpc = tonic::Status::new(tonic::Code::from_i32(number), "why");
            let own = Failure::from(of_grpc);
            assert_eq!(own.code as i32, number);
            assert_eq!(tonic::Status::from(own).code() as i32, number);
        }
        let late = Failure::new(Code::DeadlineExceeded, "too late");
        assert_eq!(late.to_string(), "DEADLINE_EXCEEDED: too late");
    }
}
