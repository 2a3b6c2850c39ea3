//! From OTLP's messages to the analyser's values.

use std::num::NonZeroU64;

use opentelemetry_proto::tonic::common::v1::any_value::Value as ProtoValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as PointValue;
use opentelemetry_proto::tonic::metrics::v1::{DataPointFlags, Metric, NumberDataPoint, metric};
use opentelemetry_proto::tonic::resource::v1::Resource as ProtoResource;
use opentelemetry_proto::tonic::trace::v1::Span as ProtoSpan;
use ragdoll_trace::{
    Attribute, Link, LogEvent, MetricPoint, ResourceId, STATUS_MESSAGE, Severity, Span, SpanKind,
    Status, TraceSet, Value,
};

/// OpenTelemetry's name for a service that does not say its own.
const UNKNOWN_SERVICE: &str = "unknown_service";

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

/// The process that a message is about.
pub(crate) fn resource(set: &mut TraceSet, resource: Option<&ProtoResource>) -> ResourceId {
    let (mut service, mut instance) = (None, None);
    let mut others = Vec::new();
    for attribute in resource
        .into_iter()
        .flat_map(|resource| &resource.attributes)
    {
        match (attribute.key.as_str(), text(attribute.value.as_ref())) {
            ("service.name", Some(name)) => service = Some(name),
            ("service.instance.id", Some(name)) => instance = Some(name),
            _ => others.push(key_value(set, attribute)),
        }
    }
    let (service, instance) = (
        service.unwrap_or(UNKNOWN_SERVICE),
        instance.unwrap_or_default(),
    );
    set.resource_with(service, instance, others)
}

/// Whether a span has ids that are some; without them it belongs to no trace.
pub(crate) fn has_ids(span: &ProtoSpan) -> bool {
    let parent = &span.parent_span_id;
    id_of_trace(&span.trace_id).is_some()
        && id_of_span(&span.span_id).is_some()
        && (parent.is_empty() || parent.len() == size_of::<u64>())
}

/// Span events and trace state are not kept. None where [`has_ids`] is false.
pub(crate) fn span(set: &mut TraceSet, resource: ResourceId, span: &ProtoSpan) -> Option<Span> {
    let (trace_id, span_id) = (id_of_trace(&span.trace_id)?, id_of_span(&span.span_id)?);
    let mut attributes = Vec::with_capacity(span.attributes.len() + 1);
    attributes.extend(
        span.attributes
            .iter()
            .map(|attribute| key_value(set, attribute)),
    );
    let mut status = Status::Unset;
    if let Some(found) = &span.status {
        status = Status::from_number(i64::from(found.code)).unwrap_or_default();
        if !found.message.is_empty() {
            let message = Value::Str(set.intern(&found.message));
            attributes.push(Attribute::new(set.intern(STATUS_MESSAGE), message));
        }
    }
    let links = span.links.iter().filter_map(|link| {
        Some(Link {
            trace_id: id_of_trace(&link.trace_id)?,
            span_id: id_of_span(&link.span_id)?,
            attributes: link
                .attributes
                .iter()
                .map(|one| key_value(set, one))
                .collect(),
        })
    });
    let links: Vec<Link> = links.collect();
    Some(Span {
        trace_id,
        span_id,
        parent_id: id_of_span(&span.parent_span_id).and_then(NonZeroU64::new),
        start_ns: span.start_time_unix_nano,
        end_ns: span.end_time_unix_nano,
        attributes: attributes.into(),
        links: links.into(),
        resource,
        name: set.intern(&span.name),
        kind: SpanKind::from_number(i64::from(span.kind)).unwrap_or_default(),
        status,
    })
}

/// An id that is none makes a line that belongs to no request.
pub(crate) fn log(set: &mut TraceSet, resource: ResourceId, record: &LogRecord) -> LogEvent {
    let message = match record.body.as_ref().and_then(|body| body.value.as_ref()) {
        Some(ProtoValue::StringValue(text)) => text.clone(),
        Some(_) => {
            let value = any_value(set, record.body.as_ref());
            set.display(&value).into_owned()
        }
        None => record.event_name.clone(),
    };
    let time_ns = match record.time_unix_nano {
        0 => record.observed_time_unix_nano,
        time_ns => time_ns,
    };
    LogEvent {
        time_ns,
        severity: severity(record.severity_number),
        resource,
        trace_id: id_of_trace(&record.trace_id),
        span_id: id_of_span(&record.span_id),
        message: message.into(),
        fields: record
            .attributes
            .iter()
            .map(|one| field(set, one))
            .collect(),
    }
}

fn field(set: &mut TraceSet, attribute: &KeyValue) -> Attribute {
    let mut field = key_value(set, attribute);
    if FIELDS_OF_LINE.contains(&attribute.key.as_str()) {
        field.key = set.intern(&format!("attribute.{}", attribute.key));
    }
    field
}

/// OTLP has four numbers a name, from 1 on; what says nothing is ordinary.
fn severity(number: i32) -> Severity {
    match number {
        1..=4 => Severity::Trace,
        5..=8 => Severity::Debug,
        13..=16 => Severity::Warn,
        17.. => Severity::Error,
        _ => Severity::Info,
    }
}

/// Points of whatever kind.
pub(crate) fn point_count(metric: &Metric) -> usize {
    match &metric.data {
        None => 0,
        Some(metric::Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(metric::Data::Sum(sum)) => sum.data_points.len(),
        Some(metric::Data::Histogram(histogram)) => histogram.data_points.len(),
        Some(metric::Data::ExponentialHistogram(histogram)) => histogram.data_points.len(),
        Some(metric::Data::Summary(summary)) => summary.data_points.len(),
    }
}

/// The points of a gauge or a sum that have a value, with it.
pub(crate) fn numbers(metric: &Metric) -> impl Iterator<Item = (&NumberDataPoint, f64)> {
    let points: &[NumberDataPoint] = match &metric.data {
        Some(metric::Data::Gauge(gauge)) => &gauge.data_points,
        Some(metric::Data::Sum(sum)) => &sum.data_points,
        _ => &[],
    };
    let absent = DataPointFlags::NoRecordedValueMask as u32;
    points.iter().filter_map(move |point| {
        let value = match point.value? {
            PointValue::AsDouble(value) => value,
            PointValue::AsInt(value) => value as f64,
        };
        (point.flags & absent == 0).then_some((point, value))
    })
}

/// Appends what [`numbers`] has.
pub(crate) fn metric(
    points: &mut Vec<MetricPoint>,
    set: &mut TraceSet,
    resource: ResourceId,
    metric: &Metric,
) {
    let (name, unit) = (set.intern(&metric.name), set.intern(&metric.unit));
    points.extend(numbers(metric).map(|(point, value)| {
        MetricPoint {
            time_ns: point.time_unix_nano,
            resource,
            name,
            value,
            unit,
            attributes: point
                .attributes
                .iter()
                .map(|one| key_value(set, one))
                .collect(),
        }
    }));
}

fn key_value(set: &mut TraceSet, attribute: &KeyValue) -> Attribute {
    let value = any_value(set, attribute.value.as_ref());
    Attribute::new(set.intern(&attribute.key), value)
}

/// An empty value is the empty text: OTLP allows it, and nothing is lost that anyone asks for.
fn any_value(set: &mut TraceSet, value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(ProtoValue::StringValue(text)) => Value::Str(set.intern(text)),
        Some(ProtoValue::BoolValue(truth)) => Value::Bool(*truth),
        Some(ProtoValue::IntValue(number)) => Value::Int(*number),
        Some(ProtoValue::DoubleValue(number)) => Value::Float(*number),
        Some(ProtoValue::BytesValue(bytes)) => Value::Bytes(Box::new(bytes.clone())),
        Some(ProtoValue::ArrayValue(array)) => {
            let values = array.values.iter().map(|value| any_value(set, Some(value)));
            Value::List(Box::new(values.collect()))
        }
        Some(ProtoValue::KvlistValue(list)) => {
            let entries: Vec<Attribute> =
                list.values.iter().map(|one| key_value(set, one)).collect();
            Value::Map(Box::new(entries))
        }
        _ => Value::Str(set.intern("")),
    }
}

fn text(value: Option<&AnyValue>) -> Option<&str> {
    match value?.value.as_ref()? {
        ProtoValue::StringValue(text) => Some(text),
        _ => None,
    }
}

fn id_of_trace(bytes: &[u8]) -> Option<u128> {
    let id = u128::from_be_bytes(bytes.try_into().ok()?);
    (id != 0).then_some(id)
}

fn id_of_span(bytes: &[u8]) -> Option<u64> {
    let id = u64::from_be_bytes(bytes.try_into().ok()?);
    (id != 0).then_some(id)
}
