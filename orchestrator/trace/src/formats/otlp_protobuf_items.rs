//! Spans, metrics and log records of OTLP's protobuf.

use std::borrow::Cow;
use std::num::NonZeroU64;

use super::exception::Exception;
use super::otlp_values::{attribute, attributes, text, text_pair, value_of};
use super::tags::{log_field, severity, told_status};
use super::wire::{Fault, Field, Message};
use crate::logs::LogEvent;
use crate::metrics::MetricPoint;
use crate::oddities::{Dropped, Repair};
use crate::part::Part;
use crate::read_error::ReadProblem;
use crate::resource::ResourceId;
use crate::set::TraceSet;
use crate::span::{Link, STATUS_MESSAGE, Span, SpanKind, Status};
use crate::symbol::Symbol;
use crate::value::{Attribute, Value};

/// The attributes in a message's fields of this number.
pub(super) fn list(
    set: &mut TraceSet,
    message: &[u8],
    number: u64,
) -> Result<Vec<Attribute>, Fault> {
    let mut list = Vec::new();
    for field in Message::new(message) {
        match field? {
            (found, Field::Bytes(bytes)) if found == number => list.push(attribute(set, bytes)?),
            _ => {}
        }
    }
    Ok(list)
}

fn id_of_trace(bytes: &[u8]) -> Option<u128> {
    let id = u128::from_be_bytes(bytes.try_into().ok()?);
    (id != 0).then_some(id)
}

fn id_of_span(bytes: &[u8]) -> Option<u64> {
    let id = u64::from_be_bytes(bytes.try_into().ok()?);
    (id != 0).then_some(id)
}

/// A span before its ids are known to be some.
#[derive(Default)]
struct RawSpan<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_id: &'a [u8],
    name: Cow<'a, str>,
    kind: u64,
    start_ns: u64,
    end_ns: u64,
    status: &'a [u8],
    events: u64,
    /// The last event that is an exception.
    exception: Option<Exception<'a>>,
}

/// Reads a span of a process.
pub(super) fn read_span(part: &mut Part, resource: ResourceId, item: &[u8]) -> Result<(), Fault> {
    let mut raw = RawSpan::default();
    let mut links = Vec::new();
    let mut attributes = Vec::new();
    for field in Message::new(item) {
        match field? {
            (1, Field::Bytes(id)) => raw.trace_id = id,
            (2, Field::Bytes(id)) => raw.span_id = id,
            (4, Field::Bytes(id)) => raw.parent_id = id,
            (5, Field::Bytes(name)) => raw.name = text(name),
            (6, Field::Varint(kind)) => raw.kind = kind,
            (7, Field::Fixed64(time)) => raw.start_ns = time,
            (8, Field::Fixed64(time)) => raw.end_ns = time,
            (9, Field::Bytes(one)) => attributes.push(attribute(&mut part.seen.traces, one)?),
            (11, Field::Bytes(event)) => {
                raw.events += 1;
                raw.exception = exception(event).or(raw.exception);
            }
            (13, Field::Bytes(one)) => read_link(part, &mut links, one)?,
            (15, Field::Bytes(status)) => raw.status = status,
            _ => {}
        }
    }
    part.tally.dropped(Dropped::SpanEvent, raw.events);
    let Some(trace_id) = id_of_trace(raw.trace_id) else {
        part.drop(Dropped::ZeroTraceId);
        return Ok(());
    };
    let Some(span_id) = id_of_span(raw.span_id) else {
        part.drop(Dropped::ZeroSpanId);
        return Ok(());
    };
    let (status, kind) = (
        read_status(part, &mut attributes, raw.status)?,
        i64::try_from(raw.kind).ok().and_then(SpanKind::from_number),
    );
    if status.is_none() || kind.is_none() {
        part.tally.repaired(Repair::UnknownCode);
    }
    let set = &mut part.seen.traces;
    let status = told_status(set, &attributes, status.unwrap_or_default());
    if status == Status::Error
        && let Some(exception) = raw.exception
    {
        exception.keep(set, &mut attributes);
    }
    let name = set.intern(&raw.name);
    part.push_span(Span {
        trace_id,
        span_id,
        parent_id: id_of_span(raw.parent_id).and_then(NonZeroU64::new),
        start_ns: raw.start_ns,
        end_ns: raw.end_ns,
        attributes: attributes.into(),
        links: links.into(),
        resource,
        name,
        kind: kind.unwrap_or_default(),
        status,
    });
    Ok(())
}

/// The exception that an event is, where it is one. Nothing is made of an event that cannot be
/// understood.
fn exception(event: &[u8]) -> Option<Exception<'_>> {
    let mut exception = Exception::default();
    for field in Message::new(event) {
        if let (3, Field::Bytes(pair)) = field.ok()?
            && let Some((key, value)) = text_pair(pair)
        {
            exception.take(&key, value);
        }
    }
    exception.is_one().then_some(exception)
}

/// The status, where it is one that exists; its message becomes an attribute.
fn read_status(
    part: &mut Part,
    attributes: &mut Vec<Attribute>,
    status: &[u8],
) -> Result<Option<Status>, Fault> {
    let mut code = 0;
    let set = &mut part.seen.traces;
    for field in Message::new(status) {
        match field? {
            (2, Field::Bytes(message)) if !message.is_empty() => {
                let message = Value::Str(set.intern(&text(message)));
                attributes.push(Attribute::new(set.intern(STATUS_MESSAGE), message));
            }
            (3, Field::Varint(number)) => code = number,
            _ => {}
        }
    }
    Ok(i64::try_from(code).ok().and_then(Status::from_number))
}

fn read_link(part: &mut Part, links: &mut Vec<Link>, link: &[u8]) -> Result<(), Fault> {
    let (mut trace_id, mut span_id) = (None, None);
    for field in Message::new(link) {
        match field? {
            (1, Field::Bytes(id)) => trace_id = id_of_trace(id),
            (2, Field::Bytes(id)) => span_id = id_of_span(id),
            _ => {}
        }
    }
    match (trace_id, span_id) {
        (Some(trace_id), Some(span_id)) => links.push(Link {
            trace_id,
            span_id,
            attributes: list(&mut part.seen.traces, link, 4)?.into(),
        }),
        _ => part.tally.repaired(Repair::BadLink),
    }
    Ok(())
}

/// Reads a metric of a process.
pub(super) fn read_metric(part: &mut Part, resource: ResourceId, item: &[u8]) -> Result<(), Fault> {
    let (mut name, mut unit) = (Cow::default(), Cow::default());
    for field in Message::new(item) {
        match field? {
            (1, Field::Bytes(bytes)) => name = text(bytes),
            (3, Field::Bytes(bytes)) => unit = text(bytes),
            _ => {}
        }
    }
    if name.is_empty() {
        let (expected, found) = ("an item with a time or a name", "it has neither");
        part.fault(Dropped::BadPoint, ReadProblem::Wire { expected, found });
        return Ok(());
    }
    let set = &mut part.seen.traces;
    let names = (set.intern(&name), set.intern(&unit));
    for field in Message::new(item) {
        let (kind, Field::Bytes(data)) = field? else {
            continue;
        };
        if !matches!(kind, 5 | 7 | 9..=11) {
            continue;
        }
        for field in Message::new(data) {
            match (kind, field?) {
                (5 | 7, (1, Field::Bytes(point))) => read_point(part, resource, names, point)?,
                (_, (1, Field::Bytes(_))) => part.drop(Dropped::UnsupportedMetric),
                _ => {}
            }
        }
    }
    Ok(())
}

fn read_point(
    part: &mut Part,
    resource: ResourceId,
    (name, unit): (Symbol, Symbol),
    point: &[u8],
) -> Result<(), Fault> {
    let (mut time_ns, mut number, mut flags) = (0, None, 0);
    for field in Message::new(point) {
        match field? {
            (3, Field::Fixed64(time)) => time_ns = time,
            (4, Field::Fixed64(bits)) => number = Some(f64::from_bits(bits)),
            (6, Field::Fixed64(bits)) => number = Some(bits.cast_signed() as f64),
            (8, Field::Varint(bits)) => flags = bits,
            _ => {}
        }
    }
    // The first flag says that there is no value.
    if flags & 1 != 0 {
        return Ok(());
    }
    let (Some(value), true) = (number, time_ns > 0) else {
        let expected = "a metric point with a value and a time";
        let found = "one of them is missing";
        part.fault(Dropped::BadPoint, ReadProblem::Wire { expected, found });
        return Ok(());
    };
    let attributes = list(&mut part.seen.traces, point, 7)?;
    part.seen.metrics.push(MetricPoint {
        time_ns,
        resource,
        name,
        value,
        unit,
        attributes: attributes.into(),
    });
    Ok(())
}

/// Reads a log record of a process.
pub(super) fn read_log(part: &mut Part, resource: ResourceId, item: &[u8]) -> Result<(), Fault> {
    let (mut time_ns, mut observed_ns, mut number) = (0, 0, 0);
    let (mut severity_text, mut event_name) = (Cow::default(), Cow::default());
    let (mut trace_id, mut span_id, mut body) = (None, None, None);
    let set = &mut part.seen.traces;
    for field in Message::new(item) {
        match field? {
            (1, Field::Fixed64(time)) => time_ns = time,
            (11, Field::Fixed64(time)) => observed_ns = time,
            (2, Field::Varint(found)) => number = found.cast_signed(),
            (3, Field::Bytes(bytes)) => severity_text = text(bytes),
            (5, Field::Bytes(bytes)) => body = Some(value_of(set, bytes)?),
            (9, Field::Bytes(id)) => trace_id = id_of_trace(id),
            (10, Field::Bytes(id)) => span_id = id_of_span(id),
            (12, Field::Bytes(bytes)) => event_name = text(bytes),
            _ => {}
        }
    }
    let time_ns = if time_ns == 0 { observed_ns } else { time_ns };
    if time_ns == 0 {
        let expected = "a log record with a time";
        let found = "it has none";
        part.fault(Dropped::BadLogEvent, ReadProblem::Wire { expected, found });
        return Ok(());
    }
    let message = match body.as_ref().map(|body| set.display(body)) {
        Some(body) if !body.is_empty() => body.as_ref().into(),
        _ => event_name.as_ref().into(),
    };
    let mut fields = Vec::new();
    for (key, value) in attributes(set, item, 6)? {
        fields.push(log_field(set, &key, value));
    }
    part.seen.logs.push(LogEvent {
        time_ns,
        severity: severity(number, &severity_text),
        resource,
        trace_id,
        span_id,
        message,
        fields: fields.into(),
    });
    Ok(())
}
