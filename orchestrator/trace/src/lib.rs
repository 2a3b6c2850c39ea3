//! Traces, logs and metrics as compact values, with readers and writers of the formats in which
//! systems export them.
//!
//! A [`TraceSet`] owns the text of a whole run once: names, attribute keys and string values are
//! [`Symbol`]s, services and instances are [`ResourceId`]s. A span takes [`Span::BYTES`] bytes and
//! each of its attributes [`Attribute::BYTES`] more, so that a million spans of four attributes
//! fit in about 200 MB.
//!
//! [`Reader`] takes whatever there is, from any system, and says in a [`ReadReport`] what it left
//! out or put right. Of a recording that is too long for memory it holds an even share of the
//! traces. [`read_log_lines`] is strict: it is for what ragdoll itself wrote, where a fault is a defect.

mod bare;
mod formats;
mod index;
mod logs;
mod metrics;
mod oddities;
mod otlp;
mod part;
mod read_error;
mod reader;
mod resource;
mod set;
mod signal;
mod span;
mod symbol;
mod value;

pub use formats::{format_names, read_log_lines, write_log_line};
pub use index::{TraceIndex, TraceSpans};
pub use logs::{LogEvent, Severity};
pub use metrics::MetricPoint;
pub use oddities::{Dropped, Repair};
pub use otlp::OtlpJsonWriter;
pub use read_error::{InputError, Position, ReadError, ReadProblem};
pub use reader::{
    Compression, Mark, OtlpRequest, ReadReport, Reader, SourceReport, Thinned, ThinnedKind,
};
pub use resource::{Resource, ResourceId};
pub use set::{Observations, TraceSet};
pub use signal::Signal;
pub use span::{Link, STATUS_MESSAGE, Span, SpanKind, Status};
pub use symbol::Symbol;
pub use value::{Attribute, Value};
