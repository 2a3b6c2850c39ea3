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
//! traces. [`read_otlp_spans`] and its like are strict: they are for what ragdoll itself
//! wrote, where a fault is a defect.

mod bare;
mod formats;
mod index;
mod logs;
mod metrics;
mod otlp;
mod read_error;
mod reader;
mod set;
mod span;
mod symbol;
mod value;

pub use index::{TraceIndex, TraceSpans};
pub use logs::{LogEvent, Severity, read_log_lines, write_log_line};
pub use metrics::MetricPoint;
pub use otlp::{OtlpJsonWriter, read_otlp_metrics, read_otlp_spans};
pub use read_error::{InputError, Position, ReadError, ReadProblem};
pub use reader::{
    Compression, Dropped, Format, Mark, ReadReport, Reader, Repair, SourceReport, Thinned,
    ThinnedKind,
};
pub use set::{Observations, Resource, ResourceId, TraceSet};
pub use span::{Link, Span, SpanKind, Status};
pub use symbol::Symbol;
pub use value::{Attribute, Value};
