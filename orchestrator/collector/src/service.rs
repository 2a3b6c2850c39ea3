//! OTLP's three services.

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use ragdoll_trace::Signal;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A service that takes telemetry of one signal.
pub(crate) trait Service: Send + Sync + 'static {
    const SIGNAL: Signal;
    type Request: prost::Message + Default + DeserializeOwned;
    type Answer: prost::Message + Default + PartialEq + Serialize + 'static;

    /// The answer where this many spans, log records or points were not kept, and some were.
    fn partial_answer(rejected: i64) -> Self::Answer;

    /// The answer to a request of which this much was not kept.
    fn answer(rejected: u64) -> Self::Answer {
        match rejected {
            0 => Self::Answer::default(),
            some => Self::partial_answer(some as i64),
        }
    }
}

pub(crate) struct Traces;
pub(crate) struct Logs;
pub(crate) struct Metrics;

impl Service for Traces {
    const SIGNAL: Signal = Signal::Spans;
    type Request = ExportTraceServiceRequest;
    type Answer = ExportTraceServiceResponse;

    fn partial_answer(rejected_spans: i64) -> ExportTraceServiceResponse {
        let error_message =
            "a span needs a trace id of 16 bytes and an id of 8, not all of them 0, \
                             and a start"
                .to_owned();
        ExportTraceServiceResponse {
            partial_success: Some(ExportTracePartialSuccess {
                rejected_spans,
                error_message,
            }),
        }
    }
}

impl Service for Logs {
    const SIGNAL: Signal = Signal::Logs;
    type Request = ExportLogsServiceRequest;
    type Answer = ExportLogsServiceResponse;

    fn partial_answer(rejected_log_records: i64) -> ExportLogsServiceResponse {
        let error_message = "a log record needs a time".to_owned();
        ExportLogsServiceResponse {
            partial_success: Some(ExportLogsPartialSuccess {
                rejected_log_records,
                error_message,
            }),
        }
    }
}

impl Service for Metrics {
    const SIGNAL: Signal = Signal::Metrics;
    type Request = ExportMetricsServiceRequest;
    type Answer = ExportMetricsServiceResponse;

    fn partial_answer(rejected_data_points: i64) -> ExportMetricsServiceResponse {
        let error_message = "gauges and sums are kept, histograms, summaries and points without a \
                             value or a time are not"
            .to_owned();
        ExportMetricsServiceResponse {
            partial_success: Some(ExportMetricsPartialSuccess {
                rejected_data_points,
                error_message,
            }),
        }
    }
}

/// The path of a service over gRPC.
pub(crate) const fn grpc_path(signal: Signal) -> &'static str {
    match signal {
        Signal::Spans => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    }
}

/// The path of a service over HTTP.
pub(crate) const fn http_path(signal: Signal) -> &'static str {
    match signal {
        Signal::Spans => "/v1/traces",
        Signal::Logs => "/v1/logs",
        Signal::Metrics => "/v1/metrics",
    }
}
