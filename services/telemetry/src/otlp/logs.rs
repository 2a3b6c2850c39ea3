//! Log lines as OTLP records, by the SDK's exporter. They are read back from the lines that every
//! ground writes, on a thread that serves no requests: so a service logs in one way, and what it
//! costs there is the same everywhere.

use std::time::SystemTime;

use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _, Severity};
use opentelemetry::{InstrumentationScope, SpanId, TraceFlags, TraceId};
use opentelemetry_otlp::{
    ExporterBuildError, LogExporter, RetryPolicy, WithExportConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{
    LogBatch, LogExporter as _, SdkLogRecord, SdkLogger, SdkLoggerProvider,
};
use serde_json::{Map, Number, Value};
use tonic::transport::Channel;

use super::connection::REQUEST_TIMEOUT;
use super::pump::{Deliver, Failure};
use super::resource::SCOPE;

/// Where log records go.
pub(super) struct Logs {
    exporter: LogExporter,
    scope: InstrumentationScope,
}

impl Logs {
    pub(super) fn new(channel: Channel, resource: &Resource) -> Result<Self, ExporterBuildError> {
        let mut exporter = LogExporter::builder()
            .with_tonic()
            .with_channel(channel)
            .with_timeout(REQUEST_TIMEOUT)
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        exporter.set_resource(resource);
        Ok(Logs {
            exporter,
            scope: InstrumentationScope::builder(SCOPE).build(),
        })
    }
}

impl Deliver for Logs {
    type Item = SdkLogRecord;

    async fn deliver(&self, records: &[SdkLogRecord]) -> Result<(), Failure> {
        let batch: Vec<_> = records.iter().map(|record| (record, &self.scope)).collect();
        let exported = self.exporter.export(LogBatch::new(&batch)).await;
        exported.map_err(|error| Failure::of_exporter(&error))
    }
}

/// Makes records of lines.
pub(super) struct Records {
    // Only a logger can make a record.
    logger: SdkLogger,
}

impl Records {
    pub(super) fn new() -> Self {
        let provider = SdkLoggerProvider::builder()
            .with_resource(Resource::builder_empty().build())
            .build();
        Records {
            logger: provider.logger(SCOPE),
        }
    }

    /// One of our lines as a record: the message as its body, the ids of trace and span as its
    /// context, service and instance left to the resource, and all others as attributes in their
    /// order. `None` for what is no such line.
    pub(super) fn read(&self, line: &[u8]) -> Option<SdkLogRecord> {
        let members: Map<String, Value> = serde_json::from_slice(line).ok()?;
        let mut record = self.logger.create_log_record();
        let mut ids = (TraceId::INVALID, SpanId::INVALID);
        for (name, value) in members {
            match (name.as_str(), value) {
                ("service" | "instance", _) => {}
                ("timestamp", Value::String(text)) => {
                    let time: jiff::Timestamp = text.parse().ok()?;
                    let time = SystemTime::try_from(time).ok()?;
                    record.set_timestamp(time);
                    record.set_observed_timestamp(time);
                }
                ("severity", Value::String(text)) => {
                    let (text, number) = severity(&text)?;
                    record.set_severity_text(text);
                    record.set_severity_number(number);
                }
                ("trace_id", Value::String(text)) => ids.0 = TraceId::from_hex(&text).ok()?,
                ("span_id", Value::String(text)) => ids.1 = SpanId::from_hex(&text).ok()?,
                ("message", Value::String(text)) => record.set_body(AnyValue::from(text)),
                (_, value) => record.add_attribute(name, any_value(value)),
            }
        }
        if ids.0 != TraceId::INVALID && ids.1 != SpanId::INVALID {
            // The services sample everything.
            record.set_trace_context(ids.0, ids.1, Some(TraceFlags::SAMPLED));
        }
        // The exporter relies on it.
        record.observed_timestamp()?;
        Some(record)
    }
}

fn severity(name: &str) -> Option<(&'static str, Severity)> {
    Some(match name {
        "TRACE" => ("TRACE", Severity::Trace),
        "DEBUG" => ("DEBUG", Severity::Debug),
        "INFO" => ("INFO", Severity::Info),
        "WARN" => ("WARN", Severity::Warn),
        "ERROR" => ("ERROR", Severity::Error),
        _ => return None,
    })
}

fn any_value(value: Value) -> AnyValue {
    match value {
        Value::String(text) => AnyValue::from(text),
        Value::Bool(truth) => AnyValue::Boolean(truth),
        Value::Number(number) => number_value(&number),
        // A number that JSON does not have. Whoever reads the lines takes it for an empty text.
        Value::Null => AnyValue::from(""),
        nested @ (Value::Array(_) | Value::Object(_)) => AnyValue::from(nested.to_string()),
    }
}

fn number_value(number: &Number) -> AnyValue {
    match number.as_i64() {
        Some(number) => AnyValue::Int(number),
        None => AnyValue::Double(number.as_f64().unwrap_or(f64::NAN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_line_of_ours_is_no_record() {
        let records = Records::new();
        let whole =
            r#"{"timestamp":"2025-01-01T00:00:01.250007Z","severity":"INFO","message":"m"}"#;
        assert!(records.read(whole.as_bytes()).is_some());
        for broken in [
            String::new(),
            "[]".to_owned(),
            whole.replace("INFO", "LOUD"),
            whole.replace("2025", "year"),
            whole.replace("timestamp", "time"),
            whole.replace("message", "trace_id"),
        ] {
            assert!(records.read(broken.as_bytes()).is_none(), "{broken}");
        }
    }
}
