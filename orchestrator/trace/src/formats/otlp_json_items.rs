//! Spans, metrics and log records of OTLP's JSON.

use std::num::NonZeroU64;

use super::any_value::{AnyValue, KeyValue, read_value};
use super::exception::Exception;
use super::ids;
use super::otlp_codes::{kind, severity_number, status};
use super::otlp_model::{
    JsonEvent, JsonLink, JsonLog, JsonMetric, JsonPoint, JsonResource, JsonSpan,
};
use super::scalar::Scalar;
use super::tags::{log_field, severity, told_status};
use crate::logs::LogEvent;
use crate::metrics::MetricPoint;
use crate::oddities::{Dropped, Repair};
use crate::part::Part;
use crate::read_error::ReadProblem;
use crate::resource::ResourceId;
use crate::set::TraceSet;
use crate::signal::Signal;
use crate::span::{Link, STATUS_MESSAGE, Span, Status};
use crate::symbol::Symbol;
use crate::value::{Attribute, Value};

/// A point's flag that says that there is no value.
const NO_RECORDED_VALUE: u64 = 1;

/// Reads one span, metric or log record by itself. One that breaks the mapping by a null where
/// nothing was to be said is read without it.
pub(super) fn read_item(part: &mut Part, signal: Signal, resource: ResourceId, text: &str) {
    let result = try_item(part, signal, resource, text).or_else(|problem| {
        match without_nulls(text).filter(|plain| plain.len() < text.len()) {
            Some(plain) => try_item(part, signal, resource, &plain).map_err(|_| problem),
            None => Err(problem),
        }
    });
    if let Err(problem) = result {
        let kind = match signal {
            Signal::Spans => Dropped::BadSpan,
            Signal::Metrics => Dropped::BadPoint,
            Signal::Logs => Dropped::BadLogEvent,
        };
        part.fault(kind, problem);
    }
}

fn try_item(
    part: &mut Part,
    signal: Signal,
    resource: ResourceId,
    text: &str,
) -> Result<(), ReadProblem> {
    match signal {
        Signal::Spans => {
            let span = serde_json::from_str(text).map_err(ReadProblem::json("an OTLP span"))?;
            read_span(part, resource, span);
        }
        Signal::Metrics => {
            let metric = serde_json::from_str(text).map_err(ReadProblem::json("an OTLP metric"))?;
            read_metric(part, resource, metric);
        }
        Signal::Logs => {
            let log =
                serde_json::from_str(text).map_err(ReadProblem::json("an OTLP log record"))?;
            read_log(part, resource, log);
        }
    }
    Ok(())
}

fn without_nulls(text: &str) -> Option<String> {
    fn strip(json: &mut serde_json::Value) {
        match json {
            serde_json::Value::Object(fields) => {
                fields.retain(|_, field| !field.is_null());
                fields.values_mut().for_each(strip);
            }
            serde_json::Value::Array(items) => {
                items.retain(|item| !item.is_null());
                items.iter_mut().for_each(strip);
            }
            _ => {}
        }
    }
    let mut json = serde_json::from_str(text).ok()?;
    strip(&mut json);
    Some(json.to_string())
}

/// The process that a batch is from, of its text. As of an item, nulls where nothing was to be said do no
/// harm; one that cannot be read all the same is told, since its spans then have no service.
pub(super) fn read_resource(part: &mut Part, text: &str) -> ResourceId {
    if text.trim() == "null" {
        return resource(part, JsonResource::default());
    }
    match serde_json::from_str(text) {
        Ok(json) => resource(part, json),
        Err(error) => match serde_json::from_str(&without_nulls(text).unwrap_or_default()) {
            Ok(json) => resource(part, json),
            Err(_) => {
                let problem = ReadProblem::json("an OTLP resource")(error);
                part.fault(Dropped::BadLine, problem);
                resource(part, JsonResource::default())
            }
        },
    }
}

/// The process that a batch is from.
pub(super) fn resource(part: &mut Part, resource: JsonResource<'_>) -> ResourceId {
    let attributes = attributes(&mut part.seen.traces, resource.attributes);
    super::resource::resource(&mut part.seen.traces, attributes, None, "")
}

/// Attributes; a value that is not what it says it is counts as empty text.
fn attributes(set: &mut TraceSet, list: Vec<KeyValue<'_>>) -> Vec<Attribute> {
    let mut attributes = Vec::with_capacity(list.len() + 1);
    for KeyValue { key, value } in list {
        let key = set.intern(&key);
        let value = read_value(set, value).unwrap_or_else(|| Value::Str(set.intern("")));
        attributes.push(Attribute::new(key, value));
    }
    attributes
}

/// Reads a span of a process.
pub(super) fn read_span(part: &mut Part, resource: ResourceId, span: JsonSpan<'_>) {
    let events = span.events.unwrap_or_default();
    part.tally.dropped(Dropped::SpanEvent, events.len() as u64);
    let Some(trace_id) = ids::trace_id(&span.trace_id) else {
        return bad_id(part, Dropped::ZeroTraceId, "traceId", &span.trace_id);
    };
    let Some(span_id) = ids::span_id(&span.span_id) else {
        return bad_id(part, Dropped::ZeroSpanId, "spanId", &span.span_id);
    };
    let times = (
        span.start_time_unix_nano.as_u64(),
        span.end_time_unix_nano.as_u64(),
    );
    let (Some(start_ns), Some(end_ns)) = times else {
        let (field, value) = match times.0 {
            None => ("startTimeUnixNano", span.start_time_unix_nano),
            Some(_) => ("endTimeUnixNano", span.end_time_unix_nano),
        };
        let expected = "nanoseconds since the Unix epoch";
        let problem = ReadProblem::field(field, &value.to_string(), expected);
        return part.fault(Dropped::BadSpan, problem);
    };
    let set = &mut part.seen.traces;
    let mut attributes = attributes(set, span.attributes);
    if !span.status.message.is_empty() {
        let message = Value::Str(set.intern(&span.status.message));
        attributes.push(Attribute::new(set.intern(STATUS_MESSAGE), message));
    }
    let name = set.intern(&span.name);
    let (kind, status) = (kind(&span.kind), status(&span.status.code));
    if kind.is_none() || status.is_none() {
        part.tally.repaired(Repair::UnknownCode);
    }
    let status = told_status(set, &attributes, status.unwrap_or_default());
    if status == Status::Error {
        let exception = events.iter().rev().find_map(|event| exception(event.get()));
        if let Some(exception) = exception {
            exception.keep(set, &mut attributes);
        }
    }
    let links = links(part, span.links);
    part.push_span(Span {
        trace_id,
        span_id,
        parent_id: ids::span_id(&span.parent_span_id).and_then(NonZeroU64::new),
        start_ns,
        end_ns,
        attributes: attributes.into(),
        links: links.into(),
        resource,
        name,
        kind: kind.unwrap_or_default(),
        status,
    });
}

/// The exception that an event is, where it is one.
fn exception(event: &str) -> Option<Exception<'_>> {
    let event: JsonEvent<'_> = serde_json::from_str(event).ok()?;
    let mut exception = Exception::default();
    for KeyValue { key, value } in event.attributes {
        if let AnyValue::Str(text) = value {
            exception.take(&key, text);
        }
    }
    exception.is_one().then_some(exception)
}

/// An id that is absent or zero is counted; one that is anything else is worth a word.
fn bad_id(part: &mut Part, kind: Dropped, field: &'static str, text: &str) {
    if text.bytes().all(|byte| byte == b'0') {
        part.drop(kind);
    } else {
        let expected = "hexadecimal digits that are not all 0";
        part.fault(Dropped::BadSpan, ReadProblem::field(field, text, expected));
    }
}

fn links(part: &mut Part, list: Vec<JsonLink<'_>>) -> Vec<Link> {
    let mut links = Vec::with_capacity(list.len());
    for link in list {
        match (ids::trace_id(&link.trace_id), ids::span_id(&link.span_id)) {
            (Some(trace_id), Some(span_id)) => links.push(Link {
                trace_id,
                span_id,
                attributes: attributes(&mut part.seen.traces, link.attributes).into(),
            }),
            _ => part.tally.repaired(Repair::BadLink),
        }
    }
    links
}

/// Reads a metric of a process.
pub(super) fn read_metric(part: &mut Part, resource: ResourceId, metric: JsonMetric<'_>) {
    let others = [
        metric.histogram,
        metric.exponential_histogram,
        metric.summary,
    ];
    let other_points = others.into_iter().flatten();
    let unsupported: usize = other_points.map(|points| points.data_points.len()).sum();
    part.tally
        .dropped(Dropped::UnsupportedMetric, unsupported as u64);
    let set = &mut part.seen.traces;
    let (name, unit) = (set.intern(&metric.name), set.intern(&metric.unit));
    let points = [metric.gauge, metric.sum].into_iter().flatten();
    for point in points.flat_map(|points| points.data_points) {
        read_point(part, resource, (name, unit), point);
    }
}

fn read_point(
    part: &mut Part,
    resource: ResourceId,
    (name, unit): (Symbol, Symbol),
    point: JsonPoint<'_>,
) {
    if point.flags.as_u64().unwrap_or(0) & NO_RECORDED_VALUE != 0 {
        return;
    }
    let number = point.as_double.or(point.as_int);
    let value = number.as_ref().and_then(Scalar::as_f64);
    let time_ns = point.time_unix_nano.as_u64().filter(|&time| time > 0);
    let (Some(value), Some(time_ns)) = (value, time_ns) else {
        let problem = match value {
            None => {
                let text = number.map(|number| number.to_string()).unwrap_or_default();
                ReadProblem::field("asDouble", &text, "a number")
            }
            Some(_) => {
                let text = point.time_unix_nano.to_string();
                ReadProblem::field("timeUnixNano", &text, "nanoseconds since the Unix epoch")
            }
        };
        return part.fault(Dropped::BadPoint, problem);
    };
    let attributes = attributes(&mut part.seen.traces, point.attributes);
    part.seen.metrics.push(MetricPoint {
        time_ns,
        resource,
        name,
        value,
        unit,
        attributes: attributes.into(),
    });
}

/// Reads a log record of a process.
pub(super) fn read_log(part: &mut Part, resource: ResourceId, record: JsonLog<'_>) {
    let times = [record.time_unix_nano, record.observed_time_unix_nano];
    let mut times = times.iter().filter_map(Scalar::as_u64);
    let Some(time_ns) = times.find(|&time| time > 0) else {
        let expected = "nanoseconds since the Unix epoch";
        let problem = ReadProblem::field("timeUnixNano", "0", expected);
        return part.fault(Dropped::BadLogEvent, problem);
    };
    let set = &mut part.seen.traces;
    let body = read_value(set, record.body).unwrap_or_else(|| Value::Str(set.intern("")));
    let message = match set.display(&body) {
        text if text.is_empty() => record.event_name.as_ref().into(),
        text => text.as_ref().into(),
    };
    let number = severity_number(&record.severity_number);
    let fields = record.attributes.into_iter().map(|attribute| {
        let value = read_value(set, attribute.value);
        let value = value.unwrap_or_else(|| Value::Str(set.intern("")));
        log_field(set, &attribute.key, value)
    });
    let fields = fields.collect();
    part.seen.logs.push(LogEvent {
        time_ns,
        severity: severity(number.unwrap_or(0), &record.severity_text),
        resource,
        trace_id: ids::trace_id(&record.trace_id),
        span_id: ids::span_id(&record.span_id),
        message,
        fields,
    });
}
