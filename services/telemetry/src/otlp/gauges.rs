//! Samples of gauges, by the protocol's own client. The SDK's metrics would not do: they stamp
//! gauges when they are collected, not when they were sampled, keep but the last value of each until
//! then, and nothing outside the SDK can fill what its exporter takes.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1 as otlp;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::resource::v1::Resource as OtlpResource;
use opentelemetry_sdk::Resource;
use tonic::transport::Channel;

use super::pump::{Deliver, Failure};
use super::resource::SCOPE;
use crate::metrics::Sample;

/// Where samples go.
pub(super) struct Gauges {
    client: MetricsServiceClient<Channel>,
    resource: OtlpResource,
}

impl Gauges {
    pub(super) fn new(channel: Channel, resource: &Resource) -> Self {
        Gauges {
            client: MetricsServiceClient::new(channel),
            resource: resource.into(),
        }
    }
}

impl Deliver for Gauges {
    type Item = Sample;

    async fn deliver(&self, samples: &[Sample]) -> Result<(), Failure> {
        let request = request(self.resource.clone(), samples);
        // A client is a handle on the channel.
        let answer = self.client.clone().export(request).await;
        answer
            .map(drop)
            .map_err(|status| Failure::of_code(status.code()))
    }
}

/// One metric a gauge, with a point a sample.
fn request(resource: OtlpResource, samples: &[Sample]) -> ExportMetricsServiceRequest {
    let mut points: BTreeMap<(&str, &str), Vec<otlp::NumberDataPoint>> = BTreeMap::new();
    for sample in samples {
        let point = otlp::NumberDataPoint {
            time_unix_nano: sample.unix_us * 1000,
            value: Some(Value::AsDouble(sample.value)),
            ..Default::default()
        };
        let gauge = (sample.gauge.name, sample.gauge.unit);
        points.entry(gauge).or_default().push(point);
    }
    let metrics = points.into_iter().map(|((name, unit), data_points)| {
        let gauge = otlp::Gauge { data_points };
        otlp::Metric {
            name: name.to_owned(),
            unit: unit.to_owned(),
            data: Some(otlp::metric::Data::Gauge(gauge)),
            ..Default::default()
        }
    });
    let scope = InstrumentationScope {
        name: SCOPE.to_owned(),
        ..Default::default()
    };
    let scope_metrics = otlp::ScopeMetrics {
        scope: Some(scope),
        metrics: metrics.collect(),
        ..Default::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![otlp::ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![scope_metrics],
            ..Default::default()
        }],
    }
}
