//! Log events.

use crate::resource::ResourceId;
use crate::value::Attribute;

/// One event of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEvent {
    /// When, nanoseconds since the Unix epoch.
    pub time_ns: u64,
    /// How bad.
    pub severity: Severity,
    /// The process that wrote it.
    pub resource: ResourceId,
    /// The request that it is about, where there is one.
    pub trace_id: Option<u128>,
    /// The span during which it was written, where there is one.
    pub span_id: Option<u64>,
    /// What happened.
    pub message: Box<str>,
    /// What else the component said, in its order.
    pub fields: Box<[Attribute]>,
}

/// How bad a log event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Detail for developers.
    Trace,
    /// Detail for operators.
    Debug,
    /// Normal operation.
    Info,
    /// Something that may become a problem.
    Warn,
    /// Something failed.
    Error,
}

impl Severity {
    /// The name in log lines.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Trace => "TRACE",
            Severity::Debug => "DEBUG",
            Severity::Info => "INFO",
            Severity::Warn => "WARN",
            Severity::Error => "ERROR",
        }
    }

    /// The severity with this name in log lines.
    pub fn from_name(name: &str) -> Option<Severity> {
        [
            Severity::Trace,
            Severity::Debug,
            Severity::Info,
            Severity::Warn,
            Severity::Error,
        ]
        .into_iter()
        .find(|severity| severity.name() == name)
    }
}
