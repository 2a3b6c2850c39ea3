//! The formats of telemetry: how each is recognised, and how its records become spans, log events and
//! metric points. A format is a file here and a line in [`FORMATS`].

mod any_value;
mod exception;
mod format;
mod head;
mod ids;
mod jaeger;
mod json;
mod log_lines;
mod otlp_codes;
mod otlp_frames;
pub(crate) mod otlp_json;
mod otlp_json_items;
mod otlp_model;
pub(crate) mod otlp_protobuf;
mod otlp_protobuf_items;
mod otlp_values;
mod otlp_walk;
mod resource;
mod scalar;
mod tags;
mod tempo;
mod wire;
mod zipkin;

pub(crate) use format::{Format, Outcome};
pub(crate) use head::{Head, Shape};
pub use log_lines::{read_log_lines, write_log_line};

/// All formats. Content is of the first that recognises it.
static FORMATS: [&dyn Format; 6] = [
    &otlp_json::OtlpJson,
    &jaeger::Jaeger,
    &zipkin::Zipkin,
    &tempo::Tempo,
    &log_lines::LogLines,
    &otlp_protobuf::OtlpProtobuf,
];

/// The format of content that begins like this, and how it is taken apart.
pub(crate) fn detect(head: &Head<'_>) -> Option<(&'static dyn Format, Shape)> {
    FORMATS
        .iter()
        .find_map(|&format| Some((format, format.detect(head)?)))
}

/// The format of the JSON object with which a text begins, where it tells.
pub(crate) fn of_object(text: &[u8]) -> Option<&'static dyn Format> {
    let head = Head::new(text);
    head.keys()?;
    detect(&head).map(|(format, _)| format)
}

/// The names of all formats, as a sentence lists them.
pub fn format_names() -> String {
    let names = FORMATS.map(|format| format.full_name());
    let (last, others) = names.split_last().expect("there are formats");
    format!("{} or {last}", others.join(", "))
}
