//! Reading of batches.

use std::io::BufRead;
use std::num::NonZeroU64;

use super::any_value::AnyValue;
use super::model::{
    JsonLink, JsonResource, JsonSpan, JsonStatus, KeyValue, MetricBatch, Point, Scalar, TraceBatch,
};
use super::text::parse_base64;
use crate::metrics::MetricPoint;
use crate::read_error::{ReadError, ReadProblem, for_each_line};
use crate::set::{ResourceId, TraceSet};
use crate::span::{Link, Span, SpanKind, Status};
use crate::symbol::Symbol;
use crate::value::{Attribute, Value};

/// Reads OTLP JSON lines of spans into the set and returns how many spans there were.
/// `source_name` is what errors call the input. Span events and trace state are not kept; a
/// status message is kept as the attribute `otel.status_description`.
///
/// # Errors
/// Names the first line that is not such a batch, and what is wrong with it. Spans of earlier lines
/// are then already in the set.
pub fn read_otlp_spans(
    source_name: &str,
    input: impl BufRead,
    set: &mut TraceSet,
) -> Result<usize, ReadError> {
    let before = set.spans().len();
    for_each_line(source_name, input, |line| {
        let batch: TraceBatch<'_> =
            serde_json::from_str(line).map_err(|error| ReadProblem::Json {
                expected: "an OTLP JSON object with `resourceSpans`",
                error,
            })?;
        for group in batch.resource_spans {
            let resource = resource(set, group.resource)?;
            for span in group.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let span = read_span(set, resource, span)?;
                set.push(span);
            }
        }
        Ok(())
    })?;
    Ok(set.spans().len() - before)
}

/// Reads the gauges and sums of OTLP JSON lines of metrics. Names, units and resources are
/// interned in the set. Histograms and summaries are skipped.
///
/// # Errors
/// Names the first line that is not such a batch, and what is wrong with it.
pub fn read_otlp_metrics(
    source_name: &str,
    input: impl BufRead,
    set: &mut TraceSet,
) -> Result<Vec<MetricPoint>, ReadError> {
    let mut points = Vec::new();
    for_each_line(source_name, input, |line| {
        let batch: MetricBatch<'_> =
            serde_json::from_str(line).map_err(|error| ReadProblem::Json {
                expected: "an OTLP JSON object with `resourceMetrics`",
                error,
            })?;
        for group in batch.resource_metrics {
            let resource = resource(set, group.resource)?;
            for metric in group
                .scope_metrics
                .into_iter()
                .flat_map(|scope| scope.metrics)
            {
                let (name, unit) = (set.intern(&metric.name), set.intern(&metric.unit));
                for point in [metric.gauge, metric.sum].into_iter().flatten() {
                    for point in point.data_points {
                        points.push(read_point(set, resource, name, unit, point)?);
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(points)
}

fn resource(set: &mut TraceSet, resource: JsonResource<'_>) -> Result<ResourceId, ReadProblem> {
    let (mut service, mut instance) = (None, None);
    let mut others = Vec::with_capacity(resource.attributes.len());
    for attribute in resource.attributes {
        match (attribute.key.as_ref(), &attribute.value) {
            ("service.name", AnyValue::Str(name)) => service = Some(name.to_string()),
            ("service.instance.id", AnyValue::Str(name)) => instance = Some(name.to_string()),
            _ => others.push(attribute),
        }
    }
    let attributes = read_attributes(set, others)?;
    // OpenTelemetry's name for a service that does not say its own.
    let service = service.unwrap_or_else(|| "unknown_service".to_owned());
    Ok(set.resource_with(&service, &instance.unwrap_or_default(), attributes))
}

fn read_span(
    set: &mut TraceSet,
    resource: ResourceId,
    span: JsonSpan<'_>,
) -> Result<Span, ReadProblem> {
    let mut attributes = read_attributes(set, span.attributes)?;
    let JsonStatus { code, message } = span.status;
    if !message.is_empty() {
        let key = set.intern("otel.status_description");
        attributes.push(Attribute::new(key, Value::Str(set.intern(&message))));
    }
    let links: Result<Vec<Link>, ReadProblem> = span
        .links
        .into_iter()
        .map(|link| read_link(set, link))
        .collect();
    Ok(Span {
        trace_id: trace_id("traceId", &span.trace_id)?,
        span_id: span_id("spanId", &span.span_id)?,
        parent_id: match span.parent_span_id.as_ref() {
            "" | "0000000000000000" => None,
            parent => NonZeroU64::new(span_id("parentSpanId", parent)?),
        },
        start_ns: time("startTimeUnixNano", &span.start_time_unix_nano)?,
        end_ns: time("endTimeUnixNano", &span.end_time_unix_nano)?,
        attributes: attributes.into(),
        links: links?.into(),
        resource,
        name: set.intern(&span.name),
        kind: kind(&span.kind)?,
        status: status(&code)?,
    })
}

fn read_link(set: &mut TraceSet, link: JsonLink<'_>) -> Result<Link, ReadProblem> {
    Ok(Link {
        trace_id: trace_id("links.traceId", &link.trace_id)?,
        span_id: span_id("links.spanId", &link.span_id)?,
        attributes: read_attributes(set, link.attributes)?.into(),
    })
}

fn read_point(
    set: &mut TraceSet,
    resource: ResourceId,
    name: Symbol,
    unit: Symbol,
    point: Point<'_>,
) -> Result<MetricPoint, ReadProblem> {
    let number = point.as_double.or(point.as_int).unwrap_or_default();
    Ok(MetricPoint {
        time_ns: time("timeUnixNano", &point.time_unix_nano)?,
        resource,
        name,
        value: number
            .as_f64()
            .ok_or_else(|| ReadProblem::field("asDouble", &number.to_string(), "a number"))?,
        unit,
        attributes: read_attributes(set, point.attributes)?.into(),
    })
}

fn read_attributes(
    set: &mut TraceSet,
    attributes: Vec<KeyValue<'_>>,
) -> Result<Vec<Attribute>, ReadProblem> {
    attributes
        .into_iter()
        .map(|attribute| {
            let key = set.intern(&attribute.key);
            Ok(Attribute::new(key, read_value(set, attribute.value)?))
        })
        .collect()
}

/// An empty value is the empty text: OTLP allows it, and nothing is lost that anyone asks for.
pub(crate) fn read_value(set: &mut TraceSet, value: AnyValue<'_>) -> Result<Value, ReadProblem> {
    Ok(match value {
        AnyValue::Empty => Value::Str(set.intern("")),
        AnyValue::Str(text) => Value::Str(set.intern(&text)),
        AnyValue::Bool(truth) => Value::Bool(truth),
        AnyValue::Int(number) => Value::Int(number.as_i64().ok_or_else(|| {
            ReadProblem::field("intValue", &number.to_string(), "an integer of 64 bits")
        })?),
        AnyValue::Double(number) => {
            Value::Float(number.as_f64().ok_or_else(|| {
                ReadProblem::field("doubleValue", &number.to_string(), "a number")
            })?)
        }
        AnyValue::Bytes(text) => {
            let bytes = parse_base64(&text)
                .ok_or_else(|| ReadProblem::field("bytesValue", &text, "base64"))?;
            Value::Bytes(Box::new(bytes))
        }
        AnyValue::Array(values) => {
            let values = values.into_iter().map(|value| read_value(set, value));
            Value::List(Box::new(values.collect::<Result<_, _>>()?))
        }
        AnyValue::Map(entries) => Value::Map(Box::new(read_attributes(set, entries)?)),
    })
}

fn trace_id(field: &'static str, text: &str) -> Result<u128, ReadProblem> {
    match u128::from_str_radix(text, 16) {
        Ok(id) if text.len() == 32 && id != 0 => Ok(id),
        _ => Err(ReadProblem::field(
            field,
            text,
            "32 hexadecimal digits that are not all 0",
        )),
    }
}

fn span_id(field: &'static str, text: &str) -> Result<u64, ReadProblem> {
    match u64::from_str_radix(text, 16) {
        Ok(id) if text.len() == 16 && id != 0 => Ok(id),
        _ => Err(ReadProblem::field(
            field,
            text,
            "16 hexadecimal digits that are not all 0",
        )),
    }
}

fn time(field: &'static str, scalar: &Scalar<'_>) -> Result<u64, ReadProblem> {
    scalar.as_u64().ok_or_else(|| {
        ReadProblem::field(
            field,
            &scalar.to_string(),
            "nanoseconds since the Unix epoch",
        )
    })
}

pub(crate) fn kind(scalar: &Scalar<'_>) -> Result<SpanKind, ReadProblem> {
    let named = match scalar {
        Scalar::Text(name) => match name.as_ref() {
            "SPAN_KIND_UNSPECIFIED" => Some(SpanKind::Unspecified),
            "SPAN_KIND_INTERNAL" => Some(SpanKind::Internal),
            "SPAN_KIND_SERVER" => Some(SpanKind::Server),
            "SPAN_KIND_CLIENT" => Some(SpanKind::Client),
            "SPAN_KIND_PRODUCER" => Some(SpanKind::Producer),
            "SPAN_KIND_CONSUMER" => Some(SpanKind::Consumer),
            _ => None,
        },
        _ => None,
    };
    named
        .or_else(|| scalar.as_i64().and_then(SpanKind::from_number))
        .ok_or_else(|| ReadProblem::field("kind", &scalar.to_string(), "a number from 0 to 5"))
}

pub(crate) fn status(scalar: &Scalar<'_>) -> Result<Status, ReadProblem> {
    let named = match scalar {
        Scalar::Text(name) => match name.as_ref() {
            "STATUS_CODE_UNSET" => Some(Status::Unset),
            "STATUS_CODE_OK" => Some(Status::Ok),
            "STATUS_CODE_ERROR" => Some(Status::Error),
            _ => None,
        },
        _ => None,
    };
    named
        .or_else(|| scalar.as_i64().and_then(Status::from_number))
        .ok_or_else(|| ReadProblem::field("status.code", &scalar.to_string(), "0, 1 or 2"))
}
