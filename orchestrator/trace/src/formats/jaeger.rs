//! JSON of Jaeger's API, which its user interface exports too: a trace an object, with the
//! processes of its spans beside them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::exception::Exception;
use super::format::{Format, Outcome};
use super::head::{Head, Keys, Shape};
use super::ids;
use super::json::from_json;
use super::resource::resource;
use super::scalar::Scalar;
use super::tags::Told;
use crate::oddities::{Dropped, Repair};
use crate::part::Part;
use crate::read_error::ReadProblem;
use crate::resource::ResourceId;
use crate::set::TraceSet;
use crate::span::{Link, Span, Status};
use crate::value::{Attribute, Value};

const EXPECTED: &str = "a Jaeger trace with `spans` and `processes`";

#[derive(Deserialize)]
struct Trace<'a> {
    #[serde(borrow)]
    spans: Vec<&'a RawValue>,
    #[serde(borrow, default)]
    processes: Option<BTreeMap<Cow<'a, str>, Option<Process<'a>>>>,
}

/// What the API answers, where it is a record among others.
#[derive(Deserialize)]
struct Answer<'a> {
    /// Null beside errors. Without `deserialize_with` it could be missing.
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    data: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    errors: Option<Vec<&'a RawValue>>,
}

/// What makes an object a span by itself: all else has its default.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoneSpan<'a> {
    #[serde(borrow, rename = "traceID")]
    _trace_id: &'a RawValue,
    #[serde(borrow, rename = "spanID")]
    _span_id: &'a RawValue,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process<'a> {
    #[serde(borrow, default)]
    service_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tags: Option<Vec<Tag<'a>>>,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    value: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct JaegerSpan<'a> {
    #[serde(borrow, default, rename = "traceID")]
    trace_id: Cow<'a, str>,
    #[serde(borrow, default, rename = "spanID")]
    span_id: Cow<'a, str>,
    /// As Jaeger wrote it before there were references.
    #[serde(borrow, default, rename = "parentSpanID")]
    parent_span_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    operation_name: Cow<'a, str>,
    #[serde(borrow, default)]
    references: Option<Vec<Reference<'a>>>,
    /// Microseconds since the Unix epoch.
    #[serde(borrow, default)]
    start_time: Scalar<'a>,
    /// Microseconds.
    #[serde(borrow, default)]
    duration: Scalar<'a>,
    #[serde(borrow, default)]
    tags: Option<Vec<Tag<'a>>>,
    /// As text: most are only counted.
    #[serde(borrow, default)]
    logs: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default, rename = "processID")]
    process_id: Option<Cow<'a, str>>,
    /// Its own process, where there is no list of them.
    #[serde(borrow, default)]
    process: Option<Process<'a>>,
}

/// What the API's answer lists in its `errors`.
#[derive(Deserialize)]
struct ApiError {
    code: i64,
    msg: String,
}

/// An event within a span.
#[derive(Deserialize)]
struct LogRecord<'a> {
    #[serde(borrow, default)]
    fields: Vec<Tag<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference<'a> {
    #[serde(borrow, default)]
    ref_type: Cow<'a, str>,
    #[serde(borrow, default, rename = "traceID")]
    trace_id: Cow<'a, str>,
    #[serde(borrow, default, rename = "spanID")]
    span_id: Cow<'a, str>,
}

/// JSON of Jaeger's API and user interface.
pub(super) struct Jaeger;

impl Format for Jaeger {
    fn name(&self) -> &'static str {
        "Jaeger JSON"
    }

    fn detect(&self, head: &Head<'_>) -> Option<Shape> {
        let keys = head.keys()?;
        if is_answer(keys) {
            return Some(Shape::Objects { outer: 1 });
        }
        keys.has("traceID").then(|| head.json_shape())
    }

    fn read(&self, part: &mut Part, object: &str) -> Outcome {
        let Ok(answer) = serde_json::from_str::<Answer<'_>>(object) else {
            return read_trace(part, object);
        };
        let lists = [answer.data, answer.errors].into_iter().flatten();
        for inner in lists.flatten() {
            if let Outcome::Foreign(problem) = read_trace(part, inner.get()) {
                part.fault(Dropped::BadLine, problem);
            }
        }
        Outcome::Read
    }
}

/// Whether these are the keys of what the API answers, with the traces in a list.
fn is_answer(keys: &Keys<'_>) -> bool {
    keys.has("data") && (keys.has_inner("traceID") || keys.has_inner("spans") || keys.has("errors"))
}

/// Reads one trace, or one span that has its own process.
fn read_trace(part: &mut Part, text: &str) -> Outcome {
    let trace: Trace<'_> = match serde_json::from_str(text) {
        Ok(trace) => trace,
        Err(error) => {
            // A span by itself has no `spans`.
            let is_span = serde_json::from_str::<LoneSpan<'_>>(text).is_ok();
            if is_span && read_span(part, text, &BTreeMap::new()).is_ok() {
                return Outcome::Read;
            }
            return Outcome::Foreign(match serde_json::from_str::<ApiError>(text) {
                Ok(ApiError { code, msg }) => ReadProblem::ErrorAnswer {
                    said: format!("{code} {msg}"),
                },
                Err(_) => ReadProblem::json(EXPECTED)(error),
            });
        }
    };
    let processes = trace.processes.into_iter().flatten();
    let processes = processes.map(|(name, process)| {
        let id = read_process(&mut part.seen.traces, process.unwrap_or_default());
        (name, id)
    });
    let processes: BTreeMap<Cow<'_, str>, ResourceId> = processes.collect();
    for span in trace.spans {
        if let Err(problem) = read_span(part, span.get(), &processes) {
            part.fault(Dropped::BadSpan, problem);
        }
    }
    Outcome::Read
}

fn read_process(set: &mut TraceSet, process: Process<'_>) -> ResourceId {
    let tags = process.tags.into_iter().flatten();
    let attributes = tags.map(|tag| attribute(set, tag)).collect();
    resource(set, attributes, process.service_name.as_deref(), "")
}

fn read_span(
    part: &mut Part,
    text: &str,
    processes: &BTreeMap<Cow<'_, str>, ResourceId>,
) -> Result<(), ReadProblem> {
    let span: JaegerSpan<'_> =
        serde_json::from_str(text).map_err(ReadProblem::json("a Jaeger span"))?;
    let events = span.logs.unwrap_or_default();
    part.tally.dropped(Dropped::SpanEvent, events.len() as u64);
    let Some(trace_id) = id(ids::trace_id(&span.trace_id), "traceID", &span.trace_id)? else {
        part.drop(Dropped::ZeroTraceId);
        return Ok(());
    };
    let Some(span_id) = id(ids::span_id(&span.span_id), "spanID", &span.span_id)? else {
        part.drop(Dropped::ZeroSpanId);
        return Ok(());
    };
    let start_ns = nanoseconds("startTime", &span.start_time)?;
    let end_ns = match span.duration.as_i64() {
        Some(duration) if duration < 0 => {
            part.tally.repaired(Repair::NegativeDuration);
            start_ns
        }
        _ => start_ns.saturating_add(nanoseconds("duration", &span.duration)?),
    };
    let process = span
        .process_id
        .and_then(|name| processes.get(&name).copied());
    let set = &mut part.seen.traces;
    let resource = match process {
        Some(id) => id,
        None => read_process(set, span.process.unwrap_or_default()),
    };
    let mut told = Told::default();
    let mut attributes = Vec::new();
    for tag in span.tags.into_iter().flatten() {
        if !take(&mut told, &tag) {
            attributes.push(attribute(set, tag));
        }
    }
    if told.status == Status::Error {
        let exception = events.iter().rev().find_map(|event| exception(event.get()));
        if let Some(exception) = exception {
            exception.keep(&mut part.seen.traces, &mut attributes);
        }
    }
    let old_parent = span.parent_span_id.as_deref().and_then(ids::span_id);
    let references = span.references.unwrap_or_default();
    let (parent, links) = family(part, trace_id, old_parent, references);
    let name = part.seen.traces.intern(&span.operation_name);
    part.push_span(Span {
        trace_id,
        span_id,
        parent_id: parent,
        start_ns,
        end_ns,
        attributes: attributes.into(),
        links: links.into(),
        resource,
        name,
        kind: told.kind,
        status: told.status,
    });
    Ok(())
}

/// An id, nothing where it is absent or zero, an error where it is something else.
fn id<T>(id: Option<T>, field: &'static str, text: &str) -> Result<Option<T>, ReadProblem> {
    if id.is_none() && text.bytes().any(|byte| byte != b'0') {
        let expected = "hexadecimal digits that are not all 0";
        return Err(ReadProblem::field(field, text, expected));
    }
    Ok(id)
}

/// From microseconds.
fn nanoseconds(field: &'static str, scalar: &Scalar<'_>) -> Result<u64, ReadProblem> {
    let whole = scalar.as_u64().or_else(|| {
        let number = scalar.as_f64().filter(|&number| number >= 0.0)?;
        Some(number as u64)
    });
    whole
        .and_then(|microseconds| microseconds.checked_mul(1000))
        .ok_or_else(|| ReadProblem::field(field, &scalar.to_string(), "microseconds"))
}

/// The parent is the first reference of the kind `CHILD_OF` within the trace or, without one, the
/// first of another kind, as in Jaeger itself. The other references are links.
fn family(
    part: &mut Part,
    trace_id: u128,
    old_parent: Option<u64>,
    references: Vec<Reference<'_>>,
) -> (Option<NonZeroU64>, Vec<Link>) {
    let mut found = Vec::with_capacity(references.len());
    for reference in references {
        match (
            ids::trace_id(&reference.trace_id),
            ids::span_id(&reference.span_id),
        ) {
            (Some(trace), Some(span)) => found.push((trace, span, reference.ref_type)),
            _ => part.tally.repaired(Repair::BadLink),
        }
    }
    let position = |is_parent: &dyn Fn(&str) -> bool| {
        found
            .iter()
            .position(|(trace, _, kind)| *trace == trace_id && is_parent(kind))
    };
    let parent = position(&|kind| kind == "CHILD_OF").or_else(|| position(&|_| true));
    let parent_id = parent.map(|place| found.remove(place).1).or(old_parent);
    let set = &mut part.seen.traces;
    let links = found.into_iter().map(|(trace_id, span_id, kind)| {
        let kind = set.intern(&kind.to_ascii_lowercase());
        Link {
            trace_id,
            span_id,
            attributes: Box::new([Attribute::new(
                set.intern("opentracing.ref_type"),
                Value::Str(kind),
            )]),
        }
    });
    (parent_id.and_then(NonZeroU64::new), links.collect())
}

/// The exception that an event is, where it is one.
fn exception(event: &str) -> Option<Exception<'_>> {
    let record: LogRecord<'_> = serde_json::from_str(event).ok()?;
    let mut exception = Exception::default();
    for tag in record.fields {
        if let Json::String(text) = tag.value {
            exception.take(&tag.key, text.into());
        }
    }
    exception.is_one().then_some(exception)
}

fn take(told: &mut Told, tag: &Tag<'_>) -> bool {
    match &tag.value {
        Json::String(text) => told.take(&tag.key, text),
        Json::Bool(true) => told.take(&tag.key, "true"),
        Json::Bool(false) => told.take(&tag.key, "false"),
        Json::Number(number) if tag.key == "otel.status_code" => {
            // As OpenTelemetry's first exporters wrote it.
            if number.as_i64() == Some(2) {
                told.status = Status::Error;
            }
            true
        }
        _ => false,
    }
}

/// A tag; numbers that are written as text, since they are long, are numbers still.
fn attribute(set: &mut TraceSet, tag: Tag<'_>) -> Attribute {
    let key = set.intern(&tag.key);
    let value = match (tag.kind.as_deref(), &tag.value) {
        (Some("int64"), Json::String(text)) => text.parse().ok().map(Value::Int),
        (Some("float64"), Json::String(text)) => text.parse().ok().map(Value::Float),
        (Some("float64"), Json::Number(number)) => number.as_f64().map(Value::Float),
        (Some("bool"), Json::String(text)) => text.parse().ok().map(Value::Bool),
        _ => None,
    };
    Attribute::new(key, value.unwrap_or_else(|| from_json(set, tag.value)))
}
