//! OTLP in its JSON encoding, one batch a line: what an OpenTelemetry collector's file exporter
//! writes and its file receiver reads.

mod model;
mod read;
mod text;
mod write;

pub(crate) use model::Text;
pub(crate) use text::push_json_str;

pub use read::{read_otlp_metrics, read_otlp_spans};
pub use write::OtlpJsonWriter;
