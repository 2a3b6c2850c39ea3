//! Spans, by the SDK's exporter.

use opentelemetry_otlp::{
    ExporterBuildError, RetryPolicy, SpanExporter, WithExportConfig, WithTonicConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};
use tonic::transport::Channel;

use super::connection::REQUEST_TIMEOUT;
use super::pump::{Deliver, Failure};

/// Where spans go.
pub(super) struct Traces {
    exporter: SpanExporter,
}

impl Traces {
    pub(super) fn new(channel: Channel, resource: &Resource) -> Result<Self, ExporterBuildError> {
        let mut exporter = SpanExporter::builder()
            .with_tonic()
            .with_channel(channel)
            .with_timeout(REQUEST_TIMEOUT)
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        exporter.set_resource(resource);
        Ok(Traces { exporter })
    }
}

impl Deliver for Traces {
    type Item = SpanData;

    async fn deliver(&self, spans: &[SpanData]) -> Result<(), Failure> {
        // The exporter keeps what it is given, also where it fails.
        let exported = self.exporter.export(spans.to_vec()).await;
        exported.map_err(|error| Failure::of_exporter(&error))
    }
}
