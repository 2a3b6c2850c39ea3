//! What is read of a batch of OTLP's JSON of any signal, with text borrowed from the line. Fields that
//! are not here are skipped; numbers may be strings and the other way round, as writers differ. Old
//! collectors write the names of fields as protobuf has them.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::any_value::{AnyValue, KeyValue};
use super::scalar::Scalar;

/// A list that is absent tells that the batch is of another signal.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Batch<'a> {
    #[serde(borrow, default, alias = "resource_spans")]
    pub(super) resource_spans: Option<Vec<ResourceSpans<'a>>>,
    #[serde(borrow, default, alias = "resource_metrics")]
    pub(super) resource_metrics: Option<Vec<ResourceMetrics<'a>>>,
    #[serde(borrow, default, alias = "resource_logs")]
    pub(super) resource_logs: Option<Vec<ResourceLogs<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceSpans<'a> {
    #[serde(borrow, default)]
    pub(super) resource: JsonResource<'a>,
    #[serde(
        borrow,
        default,
        alias = "scope_spans",
        alias = "instrumentationLibrarySpans",
        alias = "instrumentation_library_spans"
    )]
    pub(super) scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Default, Deserialize)]
pub(super) struct JsonResource<'a> {
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ScopeSpans<'a> {
    #[serde(borrow, default)]
    pub(super) spans: Vec<JsonSpan<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonSpan<'a> {
    #[serde(borrow, alias = "trace_id")]
    pub(super) trace_id: Cow<'a, str>,
    #[serde(borrow, alias = "span_id")]
    pub(super) span_id: Cow<'a, str>,
    #[serde(borrow, default, alias = "parent_span_id")]
    pub(super) parent_span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) kind: Scalar<'a>,
    #[serde(borrow, alias = "start_time_unix_nano")]
    pub(super) start_time_unix_nano: Scalar<'a>,
    #[serde(borrow, alias = "end_time_unix_nano")]
    pub(super) end_time_unix_nano: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
    /// As text: most are only counted.
    #[serde(borrow, default)]
    pub(super) events: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    pub(super) links: Vec<JsonLink<'a>>,
    #[serde(borrow, default)]
    pub(super) status: JsonStatus<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonLink<'a> {
    #[serde(borrow, alias = "trace_id")]
    pub(super) trace_id: Cow<'a, str>,
    #[serde(borrow, alias = "span_id")]
    pub(super) span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
}

#[derive(Default, Deserialize)]
pub(super) struct JsonStatus<'a> {
    #[serde(borrow, default)]
    pub(super) code: Scalar<'a>,
    #[serde(borrow, default)]
    pub(super) message: Cow<'a, str>,
}

/// What is read of an event within a span.
#[derive(Deserialize)]
pub(super) struct JsonEvent<'a> {
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceMetrics<'a> {
    #[serde(borrow, default)]
    pub(super) resource: JsonResource<'a>,
    #[serde(
        borrow,
        default,
        alias = "scope_metrics",
        alias = "instrumentationLibraryMetrics",
        alias = "instrumentation_library_metrics"
    )]
    pub(super) scope_metrics: Vec<ScopeMetrics<'a>>,
}

#[derive(Deserialize)]
pub(super) struct ScopeMetrics<'a> {
    #[serde(borrow, default)]
    pub(super) metrics: Vec<JsonMetric<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonMetric<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) unit: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) gauge: Option<JsonPoints<'a>>,
    #[serde(borrow, default)]
    pub(super) sum: Option<JsonPoints<'a>>,
    #[serde(default)]
    pub(super) histogram: Option<OtherPoints>,
    #[serde(default, alias = "exponential_histogram")]
    pub(super) exponential_histogram: Option<OtherPoints>,
    #[serde(default)]
    pub(super) summary: Option<OtherPoints>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonPoints<'a> {
    #[serde(borrow, default, alias = "data_points")]
    pub(super) data_points: Vec<JsonPoint<'a>>,
}

/// Points of a kind that is only counted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OtherPoints {
    #[serde(default, alias = "data_points")]
    pub(super) data_points: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonPoint<'a> {
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
    #[serde(borrow, default, alias = "time_unix_nano")]
    pub(super) time_unix_nano: Scalar<'a>,
    #[serde(borrow, default, alias = "as_double")]
    pub(super) as_double: Option<Scalar<'a>>,
    #[serde(borrow, default, alias = "as_int")]
    pub(super) as_int: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    pub(super) flags: Scalar<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceLogs<'a> {
    #[serde(borrow, default)]
    pub(super) resource: JsonResource<'a>,
    #[serde(
        borrow,
        default,
        alias = "scope_logs",
        alias = "instrumentationLibraryLogs",
        alias = "instrumentation_library_logs"
    )]
    pub(super) scope_logs: Vec<ScopeLogs<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScopeLogs<'a> {
    #[serde(borrow, default, alias = "log_records", alias = "logs")]
    pub(super) log_records: Vec<JsonLog<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JsonLog<'a> {
    #[serde(borrow, default, alias = "time_unix_nano")]
    pub(super) time_unix_nano: Scalar<'a>,
    #[serde(borrow, default, alias = "observed_time_unix_nano")]
    pub(super) observed_time_unix_nano: Scalar<'a>,
    #[serde(borrow, default, alias = "severity_number")]
    pub(super) severity_number: Scalar<'a>,
    #[serde(borrow, default, alias = "severity_text")]
    pub(super) severity_text: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) body: AnyValue<'a>,
    #[serde(borrow, default)]
    pub(super) attributes: Vec<KeyValue<'a>>,
    #[serde(borrow, default, alias = "trace_id")]
    pub(super) trace_id: Cow<'a, str>,
    #[serde(borrow, default, alias = "span_id")]
    pub(super) span_id: Cow<'a, str>,
    #[serde(borrow, default, alias = "event_name")]
    pub(super) event_name: Cow<'a, str>,
}
