//! Why telemetry cannot leave a process.

use std::io;

use opentelemetry_otlp::ExporterBuildError;
use thiserror::Error;

/// Telemetry cannot leave this process.
#[derive(Debug, Error)]
pub enum OtlpError {
    /// The endpoint is no address of a receiver.
    #[error("otlp_endpoint `{endpoint}`: {problem}; give an address such as http://127.0.0.1:4317")]
    Endpoint {
        /// What was given.
        endpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An exporter could not be built, which an `OTEL_EXPORTER_OTLP_*` variable can cause.
    #[error("cannot set up the OTLP exporters: {0}; unset the variables OTEL_EXPORTER_OTLP_*")]
    Exporter(#[from] ExporterBuildError),
    /// The system gave no thread.
    #[error("cannot start a thread for telemetry: {0}; raise the limit on processes")]
    Thread(#[from] io::Error),
}
