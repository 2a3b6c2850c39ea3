//! Writing of OTLP in its JSON encoding, one batch a line: what an OpenTelemetry collector's file
//! receiver reads.

mod text;
mod write;

pub(crate) use text::{parse_base64, push_json_str};
pub use write::OtlpJsonWriter;
