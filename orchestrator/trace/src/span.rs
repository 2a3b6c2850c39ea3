//! Spans.

use std::num::NonZeroU64;

use crate::resource::ResourceId;
use crate::symbol::Symbol;
use crate::value::{Attribute, Value};

/// One operation of one request in one process. Names and attribute keys are symbols of the
/// [`TraceSet`](crate::TraceSet) that the span belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The request that it belongs to; never 0.
    pub trace_id: u128,
    /// Its own number within the trace; never 0.
    pub span_id: u64,
    /// The span that caused it; none for a root.
    pub parent_id: Option<NonZeroU64>,
    /// Start, nanoseconds since the Unix epoch.
    pub start_ns: u64,
    /// End, nanoseconds since the Unix epoch; a well-formed span does not end before it starts.
    pub end_ns: u64,
    /// Attributes in the order in which they were recorded.
    pub attributes: Box<[Attribute]>,
    /// Spans elsewhere that it has to do with; usually none.
    pub links: Box<[Link]>,
    /// The process that recorded it.
    pub resource: ResourceId,
    /// Operation.
    pub name: Symbol,
    /// Its side of a call.
    pub kind: SpanKind,
    /// Outcome.
    pub status: Status,
}

impl Span {
    /// Size in memory, without attributes and links.
    pub const BYTES: usize = size_of::<Span>();

    /// Time from start to end; 0 for a span that ends before it starts.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns.saturating_sub(self.start_ns)
    }

    /// Value of the first attribute with this key.
    pub fn attribute(&self, key: Symbol) -> Option<&Value> {
        self.attributes
            .iter()
            .find(|attribute| attribute.key == key)
            .map(|attribute| &attribute.value)
    }
}

/// Reference to a span of another trace, or of another place in the same one.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// Trace of the other span.
    pub trace_id: u128,
    /// The other span.
    pub span_id: u64,
    /// Attributes of the link.
    pub attributes: Box<[Attribute]>,
}

/// A span's side of a call, numbered as OTLP does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SpanKind {
    /// Not said.
    #[default]
    Unspecified = 0,
    /// Work within a process.
    Internal = 1,
    /// The callee's side of a call.
    Server = 2,
    /// The caller's side of a call.
    Client = 3,
    /// Sending of a message.
    Producer = 4,
    /// Handling of a message.
    Consumer = 5,
}

impl SpanKind {
    /// The kind with this number in OTLP.
    pub const fn from_number(number: i64) -> Option<SpanKind> {
        Some(match number {
            0 => SpanKind::Unspecified,
            1 => SpanKind::Internal,
            2 => SpanKind::Server,
            3 => SpanKind::Client,
            4 => SpanKind::Producer,
            5 => SpanKind::Consumer,
            _ => return None,
        })
    }
}

/// Attribute that keeps the message of a span's status, whatever way the span came: as a call of the SDK, by
/// OTLP over the network or from a file.
pub const STATUS_MESSAGE: &str = "error.message";

/// Outcome of a span, numbered as OTLP does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Status {
    /// Not said, which counts as success.
    #[default]
    Unset = 0,
    /// Success, said by the application itself.
    Ok = 1,
    /// Failure.
    Error = 2,
}

impl Status {
    /// The status with this number in OTLP.
    pub const fn from_number(number: i64) -> Option<Status> {
        Some(match number {
            0 => Status::Unset,
            1 => Status::Ok,
            2 => Status::Error,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_small() {
        assert_eq!(Span::BYTES, 96);
    }
}
