//! From the analyser's values to OTLP's messages: what this process says about itself, on its way to
//! another collector. The counterpart of [`ragdoll_trace::OtlpRequest`].

use std::collections::BTreeMap;

use axum::body::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1::span::Link as ProtoLink;
use opentelemetry_proto::tonic::trace::v1::{
    ResourceSpans, ScopeSpans, Span as ProtoSpan, Status as ProtoStatus,
};
use prost::Message as _;
use ragdoll_trace::{
    Attribute, LogEvent, MetricPoint, Observations, ResourceId, STATUS_MESSAGE, Severity, Signal,
    Span, Status, TraceSet, Value,
};

/// Name of the instrumentation scope.
const SCOPE: &str = "ragdoll";

/// All of one signal, as a request in protobuf.
pub(crate) fn request(signal: Signal, seen: &Observations) -> Bytes {
    let set = &seen.traces;
    let bytes = match signal {
        Signal::Spans => spans(set, set.spans()).encode_to_vec(),
        Signal::Logs => logs(set, &seen.logs).encode_to_vec(),
        Signal::Metrics => metrics(set, &seen.metrics).encode_to_vec(),
    };
    bytes.into()
}

pub(crate) fn spans(set: &TraceSet, spans: &[Span]) -> ExportTraceServiceRequest {
    let groups = by_resource(spans, |span| span.resource).into_iter();
    let groups = groups.map(|(id, spans)| ResourceSpans {
        resource: Some(resource(set, id)),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope()),
            spans: spans.into_iter().map(|one| span(set, one)).collect(),
            ..Default::default()
        }],
        ..Default::default()
    });
    ExportTraceServiceRequest {
        resource_spans: groups.collect(),
    }
}

pub(crate) fn logs(set: &TraceSet, events: &[LogEvent]) -> ExportLogsServiceRequest {
    let groups = by_resource(events, |event| event.resource).into_iter();
    let groups = groups.map(|(id, events)| ResourceLogs {
        resource: Some(resource(set, id)),
        scope_logs: vec![ScopeLogs {
            scope: Some(scope()),
            log_records: events.into_iter().map(|one| log(set, one)).collect(),
            ..Default::default()
        }],
        ..Default::default()
    });
    ExportLogsServiceRequest {
        resource_logs: groups.collect(),
    }
}

/// All points as those of gauges.
pub(crate) fn metrics(set: &TraceSet, points: &[MetricPoint]) -> ExportMetricsServiceRequest {
    let groups = by_resource(points, |point| point.resource).into_iter();
    let groups = groups.map(|(id, points)| ResourceMetrics {
        resource: Some(resource(set, id)),
        scope_metrics: vec![ScopeMetrics {
            scope: Some(scope()),
            metrics: gauges(set, &points),
            ..Default::default()
        }],
        ..Default::default()
    });
    ExportMetricsServiceRequest {
        resource_metrics: groups.collect(),
    }
}

fn by_resource<T>(
    items: &[T],
    resource: impl Fn(&T) -> ResourceId,
) -> BTreeMap<ResourceId, Vec<&T>> {
    let mut groups: BTreeMap<ResourceId, Vec<&T>> = BTreeMap::new();
    for item in items {
        groups.entry(resource(item)).or_default().push(item);
    }
    groups
}

fn scope() -> InstrumentationScope {
    InstrumentationScope {
        name: SCOPE.to_owned(),
        ..Default::default()
    }
}

fn resource(set: &TraceSet, id: ResourceId) -> ProtoResource {
    let text = |key: &str, text: &str| KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(ProtoValue::StringValue(text.to_owned())),
        }),
        ..Default::default()
    };
    let mut attributes = vec![
        text("service.name", set.service(id)),
        text("service.instance.id", set.instance(id)),
    ];
    attributes.extend(key_values(set, &set.resources()[id.0 as usize].attributes));
    ProtoResource {
        attributes,
        ..Default::default()
    }
}

fn span(set: &TraceSet, span: &Span) -> ProtoSpan {
    let is_message = |attribute: &Attribute| {
        span.status == Status::Error && set.text(attribute.key) == STATUS_MESSAGE
    };
    let message = span
        .attributes
        .iter()
        .find(|attribute| is_message(attribute));
    let message = message.map_or_else(String::new, |found| set.display(&found.value).into_owned());
    let attributes = span
        .attributes
        .iter()
        .filter(|attribute| !is_message(attribute));
    let links = span.links.iter().map(|link| ProtoLink {
        trace_id: link.trace_id.to_be_bytes().to_vec(),
        span_id: link.span_id.to_be_bytes().to_vec(),
        attributes: key_values(set, &link.attributes),
        ..Default::default()
    });
    ProtoSpan {
        trace_id: span.trace_id.to_be_bytes().to_vec(),
        span_id: span.span_id.to_be_bytes().to_vec(),
        parent_span_id: span
            .parent_id
            .map(|id| id.get().to_be_bytes().to_vec())
            .unwrap_or_default(),
        name: set.text(span.name).to_owned(),
        kind: i32::from(span.kind as u8),
        start_time_unix_nano: span.start_ns,
        end_time_unix_nano: span.end_ns,
        attributes: attributes.map(|one| key_value(set, one)).collect(),
        links: links.collect(),
        status: Some(ProtoStatus {
            message,
            code: i32::from(span.status as u8),
        }),
        ..Default::default()
    }
}

fn log(set: &TraceSet, event: &LogEvent) -> LogRecord {
    let body = ProtoValue::StringValue(event.message.to_string());
    let id = |id: Option<Vec<u8>>| id.unwrap_or_default();
    LogRecord {
        time_unix_nano: event.time_ns,
        observed_time_unix_nano: event.time_ns,
        severity_number: severity_number(event.severity),
        severity_text: event.severity.name().to_owned(),
        body: Some(AnyValue { value: Some(body) }),
        attributes: key_values(set, &event.fields),
        trace_id: id(event.trace_id.map(|id| id.to_be_bytes().to_vec())),
        span_id: id(event.span_id.map(|id| id.to_be_bytes().to_vec())),
        ..Default::default()
    }
}

fn severity_number(severity: Severity) -> i32 {
    match severity {
        Severity::Trace => 1,
        Severity::Debug => 5,
        Severity::Info => 9,
        Severity::Warn => 13,
        Severity::Error => 17,
    }
}

fn gauges(set: &TraceSet, points: &[&MetricPoint]) -> Vec<Metric> {
    let mut by_name: BTreeMap<_, Vec<NumberDataPoint>> = BTreeMap::new();
    for point in points {
        let data_points = by_name.entry((point.name, point.unit)).or_default();
        data_points.push(NumberDataPoint {
            attributes: key_values(set, &point.attributes),
            time_unix_nano: point.time_ns,
            value: Some(number_data_point::Value::AsDouble(point.value)),
            ..Default::default()
        });
    }
    let gauges = by_name
        .into_iter()
        .map(|((name, unit), data_points)| Metric {
            name: set.text(name).to_owned(),
            unit: set.text(unit).to_owned(),
            data: Some(metric::Data::Gauge(Gauge { data_points })),
            ..Default::default()
        });
    gauges.collect()
}

fn key_values(set: &TraceSet, attributes: &[Attribute]) -> Vec<KeyValue> {
    attributes.iter().map(|one| key_value(set, one)).collect()
}

fn key_value(set: &TraceSet, attribute: &Attribute) -> KeyValue {
    KeyValue {
        key: set.text(attribute.key).to_owned(),
        value: Some(any_value(set, &attribute.value)),
        ..Default::default()
    }
}

fn any_value(set: &TraceSet, value: &Value) -> AnyValue {
    let value = match value {
        Value::Str(symbol) => ProtoValue::StringValue(set.text(*symbol).to_owned()),
        Value::Int(number) => ProtoValue::IntValue(*number),
        Value::Float(number) => ProtoValue::DoubleValue(*number),
        Value::Bool(truth) => ProtoValue::BoolValue(*truth),
        Value::Bytes(bytes) => ProtoValue::BytesValue(bytes.to_vec()),
        Value::List(values) => ProtoValue::ArrayValue(ArrayValue {
            values: values.iter().map(|value| any_value(set, value)).collect(),
        }),
        Value::Map(entries) => ProtoValue::KvlistValue(KeyValueList {
            values: key_values(set, entries),
        }),
    };
    AnyValue { value: Some(value) }
}

#[cfg(test)]
mod tests;
