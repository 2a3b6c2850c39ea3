//! Zipkin's JSON, version 2: a span an object.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroU64;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value as Json;

use super::format::{Format, Outcome};
use super::head::{Head, Shape};
use super::ids;
use super::resource::{instance_rank, resource};
use super::scalar::Scalar;
use super::tags::{Told, kind_of};
use crate::oddities::{Dropped, Repair};
use crate::part::Part;
use crate::read_error::ReadProblem;
use crate::resource::ResourceId;
use crate::set::TraceSet;
use crate::span::{Span, SpanKind};
use crate::value::{Attribute, Value};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ZipkinSpan<'a> {
    #[serde(borrow)]
    trace_id: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    parent_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    /// Microseconds since the Unix epoch.
    #[serde(borrow, default)]
    timestamp: Scalar<'a>,
    /// Microseconds.
    #[serde(borrow, default)]
    duration: Option<Scalar<'a>>,
    #[serde(borrow, default)]
    local_endpoint: Option<Endpoint<'a>>,
    #[serde(borrow, default)]
    remote_endpoint: Option<Endpoint<'a>>,
    #[serde(default)]
    annotations: Option<Vec<IgnoredAny>>,
    #[serde(borrow, default)]
    tags: Option<BTreeMap<Cow<'a, str>, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'a> {
    #[serde(borrow, default)]
    service_name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ipv4: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    ipv6: Option<Cow<'a, str>>,
}

impl Endpoint<'_> {
    fn address(&self) -> Option<&str> {
        self.ipv4.as_deref().or(self.ipv6.as_deref())
    }
}

/// Zipkin's JSON, version 2.
pub(super) struct Zipkin;

impl Format for Zipkin {
    fn name(&self) -> &'static str {
        "Zipkin JSON"
    }

    fn full_name(&self) -> &'static str {
        "Zipkin v2 JSON"
    }

    /// An empty list is what Zipkin answers where it has no trace.
    fn detect(&self, head: &Head<'_>) -> Option<Shape> {
        let keys = head.keys()?;
        let is_span = keys.has("traceId") && keys.has("id");
        (is_span || head.is_empty_list()).then(|| head.json_shape())
    }

    fn read(&self, part: &mut Part, object: &str) -> Outcome {
        let span: ZipkinSpan<'_> = match serde_json::from_str(object) {
            Ok(span) => span,
            Err(error) => return Outcome::Foreign(ReadProblem::json("a Zipkin span")(error)),
        };
        if let Err(problem) = read_span(part, span) {
            part.fault(Dropped::BadSpan, problem);
        }
        Outcome::Read
    }
}

fn read_span(part: &mut Part, span: ZipkinSpan<'_>) -> Result<(), ReadProblem> {
    let events = span.annotations.as_ref().map_or(0, Vec::len);
    part.tally.dropped(Dropped::SpanEvent, events as u64);
    let (Some(trace_id), Some(span_id)) = (ids::trace_id(&span.trace_id), ids::span_id(&span.id))
    else {
        return bad_id(part, &span);
    };
    let start_ns = nanoseconds("timestamp", &span.timestamp)?;
    let end_ns = match &span.duration {
        // A span that was not finished has no duration.
        None => 0,
        Some(duration) if duration.as_i64().is_some_and(|duration| duration < 0) => {
            part.tally.repaired(Repair::NegativeDuration);
            start_ns
        }
        Some(duration) => start_ns.saturating_add(nanoseconds("duration", duration)?),
    };
    let kind = match span.kind.as_deref() {
        // Zipkin's spans without a kind are those that are no side of a call.
        None => SpanKind::Internal,
        Some(name) => kind_of(name).unwrap_or_else(|| {
            part.tally.repaired(Repair::UnknownCode);
            SpanKind::Unspecified
        }),
    };
    let set = &mut part.seen.traces;
    let mut told = Told::default();
    let mut attributes = Vec::new();
    let mut of_process = Vec::new();
    for (key, value) in span.tags.into_iter().flatten() {
        let text = match &value {
            Json::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        };
        if told.take(&key, &text) {
            continue;
        }
        let names_process = instance_rank(&key).is_some_and(|_| key.contains('.'));
        let attribute = Attribute::new(set.intern(&key), Value::Str(set.intern(&text)));
        match names_process {
            true => of_process.push(attribute),
            false => attributes.push(attribute),
        }
    }
    peer(
        set,
        &mut attributes,
        span.remote_endpoint.unwrap_or_default(),
    );
    let resource = process(set, of_process, span.local_endpoint.unwrap_or_default());
    let name = set.intern(span.name.as_deref().unwrap_or_default());
    part.push_span(Span {
        trace_id,
        span_id,
        parent_id: span
            .parent_id
            .as_deref()
            .and_then(ids::span_id)
            .and_then(NonZeroU64::new),
        start_ns,
        end_ns,
        attributes: attributes.into(),
        links: Box::default(),
        resource,
        name,
        kind,
        status: told.status,
    });
    Ok(())
}

fn bad_id(part: &mut Part, span: &ZipkinSpan<'_>) -> Result<(), ReadProblem> {
    let is_zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    let expected = "hexadecimal digits that are not all 0";
    if is_zero(&span.trace_id) {
        part.drop(Dropped::ZeroTraceId);
    } else if ids::trace_id(&span.trace_id).is_none() {
        return Err(ReadProblem::field("traceId", &span.trace_id, expected));
    } else if is_zero(&span.id) {
        part.drop(Dropped::ZeroSpanId);
    } else {
        return Err(ReadProblem::field("id", &span.id, expected));
    }
    Ok(())
}

fn nanoseconds(field: &'static str, scalar: &Scalar<'_>) -> Result<u64, ReadProblem> {
    scalar
        .as_u64()
        .and_then(|microseconds| microseconds.checked_mul(1000))
        .ok_or_else(|| ReadProblem::field(field, &scalar.to_string(), "microseconds"))
}

/// Whom the span calls or is called by, in OpenTelemetry's words.
fn peer(set: &mut TraceSet, attributes: &mut Vec<Attribute>, endpoint: Endpoint<'_>) {
    let words = [
        ("peer.service", endpoint.service_name.as_deref()),
        ("network.peer.address", endpoint.address()),
    ];
    for (key, text) in words {
        let Some(text) = text.filter(|text| !text.is_empty()) else {
            continue;
        };
        let key = set.intern(key);
        if attributes.iter().all(|attribute| attribute.key != key) {
            attributes.push(Attribute::new(key, Value::Str(set.intern(text))));
        }
    }
}

/// The process; where no tag names it, its address does. The port is no help, since clients have
/// none.
fn process(set: &mut TraceSet, tags: Vec<Attribute>, endpoint: Endpoint<'_>) -> ResourceId {
    let service = endpoint.service_name.as_deref();
    resource(set, tags, service, endpoint.address().unwrap_or_default())
}
