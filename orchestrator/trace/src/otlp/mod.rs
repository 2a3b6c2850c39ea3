//! OTLP in its JSON encoding, one batch a line: what an OpenTelemetry collector's file exporter
//! writes and its file receiver reads.

mod any_value;
mod model;
mod read;
mod text;
mod write;

pub(crate) use any_value::AnyValue;
pub(crate) use model::{JsonLink, JsonResource, JsonSpan, KeyValue, ResourceSpans, Scalar, Text};
pub(crate) use read::{kind, read_value, status};
pub(crate) use text::{parse_base64, push_json_str};

pub use read::{read_otlp_metrics, read_otlp_spans};
pub use write::OtlpJsonWriter;
