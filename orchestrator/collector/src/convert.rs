//! From the SDK's spans and samples to the analyser's.

use std::num::NonZeroU64;
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::trace::{SpanKind as SdkKind, Status as SdkStatus};
use opentelemetry::{Array, KeyValue, Value as SdkValue};
use opentelemetry_sdk::trace::SpanData;
use ragdoll_telemetry::Sample;
use ragdoll_trace::{
    Attribute, Link, MetricPoint, ResourceId, STATUS_MESSAGE, Span, SpanKind, Status, TraceSet,
    Value,
};

pub(crate) fn span(set: &mut TraceSet, resource: ResourceId, data: SpanData) -> Span {
    let mut attributes = Vec::with_capacity(data.attributes.len() + 1);
    for attribute in &data.attributes {
        attributes.push(self::attribute(set, attribute));
    }
    let status = match &data.status {
        SdkStatus::Unset => Status::Unset,
        SdkStatus::Ok => Status::Ok,
        SdkStatus::Error { description } => {
            if !description.is_empty() {
                let message = Value::Str(set.intern(description));
                attributes.push(Attribute::new(set.intern(STATUS_MESSAGE), message));
            }
            Status::Error
        }
    };
    let links: Vec<Link> = data
        .links
        .iter()
        .map(|link| Link {
            trace_id: u128::from_be_bytes(link.span_context.trace_id().to_bytes()),
            span_id: u64::from_be_bytes(link.span_context.span_id().to_bytes()),
            attributes: link.attributes.iter().map(|a| attribute(set, a)).collect(),
        })
        .collect();
    Span {
        trace_id: u128::from_be_bytes(data.span_context.trace_id().to_bytes()),
        span_id: u64::from_be_bytes(data.span_context.span_id().to_bytes()),
        parent_id: NonZeroU64::new(u64::from_be_bytes(data.parent_span_id.to_bytes())),
        start_ns: unix_ns(data.start_time),
        end_ns: unix_ns(data.end_time),
        attributes: attributes.into(),
        links: links.into(),
        resource,
        name: set.intern(&data.name),
        kind: match data.span_kind {
            SdkKind::Internal => SpanKind::Internal,
            SdkKind::Server => SpanKind::Server,
            SdkKind::Client => SpanKind::Client,
            SdkKind::Producer => SpanKind::Producer,
            SdkKind::Consumer => SpanKind::Consumer,
        },
        status,
    }
}

pub(crate) fn metric(set: &mut TraceSet, resource: ResourceId, sample: &Sample) -> MetricPoint {
    MetricPoint {
        time_ns: sample.unix_us * 1000,
        resource,
        name: set.intern(sample.gauge.name),
        value: sample.value,
        unit: set.intern(sample.gauge.unit),
        attributes: Box::default(),
    }
}

fn attribute(set: &mut TraceSet, attribute: &KeyValue) -> Attribute {
    let value = match &attribute.value {
        SdkValue::Bool(value) => Value::Bool(*value),
        SdkValue::I64(value) => Value::Int(*value),
        SdkValue::F64(value) => Value::Float(*value),
        SdkValue::String(value) => Value::Str(set.intern(value.as_str())),
        SdkValue::Array(array) => Value::List(Box::new(list(set, array))),
        // The SDK's values may grow kinds; their text is better than nothing.
        other => Value::Str(set.intern(&other.as_str())),
    };
    Attribute::new(set.intern(attribute.key.as_str()), value)
}

fn list(set: &mut TraceSet, array: &Array) -> Vec<Value> {
    match array {
        Array::Bool(values) => values.iter().map(|value| Value::Bool(*value)).collect(),
        Array::I64(values) => values.iter().map(|value| Value::Int(*value)).collect(),
        Array::F64(values) => values.iter().map(|value| Value::Float(*value)).collect(),
        Array::String(values) => values
            .iter()
            .map(|value| Value::Str(set.intern(value.as_str())))
            .collect(),
        other => vec![Value::Str(set.intern(&other.to_string()))],
    }
}

fn unix_ns(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}
