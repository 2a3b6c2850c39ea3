//! Conventions that formats have in common.

use crate::logs::Severity;
use crate::set::TraceSet;
use crate::span::{SpanKind, Status};
use crate::value::{Attribute, Value};

/// What a log line has of its own; an attribute of that name gets another.
const FIELDS_OF_LINE: [&str; 7] = [
    "timestamp",
    "severity",
    "service",
    "instance",
    "trace_id",
    "span_id",
    "message",
];

/// An attribute of a log record as the field of an event.
pub(super) fn log_field(set: &mut TraceSet, key: &str, value: Value) -> Attribute {
    let key = match FIELDS_OF_LINE.contains(&key) {
        true => set.intern(&format!("attribute.{key}")),
        false => set.intern(key),
    };
    Attribute::new(key, value)
}

/// OTLP has four numbers a name, from 1 on. Where there is no number the text tells, and what says
/// nothing is ordinary.
pub(super) fn severity(number: i64, text: &str) -> Severity {
    match number {
        1..=4 => Severity::Trace,
        5..=8 => Severity::Debug,
        9..=12 => Severity::Info,
        13..=16 => Severity::Warn,
        17.. => Severity::Error,
        _ => {
            let is = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
            if is(&[
                "error", "err", "fatal", "critical", "crit", "emerg", "alert", "panic",
            ]) {
                Severity::Error
            } else if is(&["warn", "warning"]) {
                Severity::Warn
            } else if is(&["debug"]) {
                Severity::Debug
            } else if is(&["trace"]) {
                Severity::Trace
            } else {
                Severity::Info
            }
        }
    }
}

/// The status of a span of OpenTelemetry. Bridges from other systems leave it out, and keep the tag
/// that those have for it.
pub(super) fn told_status(set: &TraceSet, attributes: &[Attribute], status: Status) -> Status {
    let is_told = || {
        let key = set.symbol("error")?;
        let error = attributes.iter().find(|attribute| attribute.key == key)?;
        Some(match &error.value {
            Value::Bool(is_error) => *is_error,
            Value::Str(text) => set.text(*text).eq_ignore_ascii_case("true"),
            _ => false,
        })
    };
    match status {
        Status::Unset if is_told() == Some(true) => Status::Error,
        _ => status,
    }
}

/// What tags say about a span besides its attributes, in Jaeger's and Zipkin's ways.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) kind: SpanKind,
    pub(super) status: Status,
}

impl Told {
    /// Takes in a tag, and says whether it is one that need not be kept as an attribute.
    pub(super) fn take(&mut self, key: &str, value: &str) -> bool {
        match (key, value) {
            ("span.kind", kind) => match kind_of(kind) {
                Some(kind) => self.kind = kind,
                None => return false,
            },
            ("otel.status_code", status) if status.eq_ignore_ascii_case("error") => {
                self.status = Status::Error;
            }
            ("otel.status_code", status) if status.eq_ignore_ascii_case("ok") => {
                self.status = Status::Ok;
            }
            ("otel.status_code", _) => {}
            // Zipkin's tag is an error by being there, and holds its message.
            ("error", "false") => {}
            ("error", message) => {
                self.status = Status::Error;
                return matches!(message, "" | "true");
            }
            _ => return false,
        }
        true
    }
}

/// A kind by the name that OpenTracing and Zipkin have for it.
pub(super) fn kind_of(name: &str) -> Option<SpanKind> {
    let kinds = [
        ("client", SpanKind::Client),
        ("server", SpanKind::Server),
        ("producer", SpanKind::Producer),
        ("consumer", SpanKind::Consumer),
        ("internal", SpanKind::Internal),
        ("local", SpanKind::Internal),
    ];
    let found = kinds
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known));
    found.map(|&(_, kind)| kind)
}
