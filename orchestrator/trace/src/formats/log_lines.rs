//! The JSON lines in which ragdoll's services write their log events.

use std::borrow::Cow;
use std::fmt;
use std::io::BufRead;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::Value as Json;

use super::format::{Format, Outcome};
use super::head::{Head, Shape};
use super::json::{from_json, to_json};
use super::scalar::Text;
use crate::logs::{LogEvent, Severity};
use crate::oddities::Dropped;
use crate::otlp::push_json_str;
use crate::part::Part;
use crate::read_error::{ReadError, ReadProblem, for_each_line};
use crate::set::TraceSet;
use crate::value::Attribute;

const EXPECTED: &str = "a JSON object with `timestamp`, `severity`, `service` and `message`";

/// Log lines of ragdoll's services.
pub(super) struct LogLines;

impl Format for LogLines {
    fn name(&self) -> &'static str {
        "log lines"
    }

    fn full_name(&self) -> &'static str {
        "ragdoll's log lines"
    }

    fn detect(&self, head: &Head<'_>) -> Option<Shape> {
        let keys = head.keys()?;
        let is_line = ["timestamp", "severity", "service"]
            .iter()
            .all(|key| keys.has(key));
        is_line.then(|| head.json_shape())
    }

    fn read(&self, part: &mut Part, object: &str) -> Outcome {
        let line: LogLine<'_> = match serde_json::from_str(object) {
            Ok(line) => line,
            Err(error) => return Outcome::Foreign(ReadProblem::json(EXPECTED)(error)),
        };
        match read_event(&mut part.seen.traces, line) {
            Ok(event) => part.seen.logs.push(event),
            Err(problem) => part.fault(Dropped::BadLogEvent, problem),
        }
        Outcome::Read
    }
}

/// Reads the services' own log lines. Field names and resources are interned in the set.
/// `source_name` is what errors call the input.
///
/// # Errors
/// Names the first line that is not such an event, and what is wrong with it.
pub fn read_log_lines(
    source_name: &str,
    input: impl BufRead,
    set: &mut TraceSet,
) -> Result<Vec<LogEvent>, ReadError> {
    let mut events = Vec::new();
    for_each_line(source_name, input, |line| {
        let line: LogLine<'_> = serde_json::from_str(line).map_err(ReadProblem::json(EXPECTED))?;
        events.push(read_event(set, line)?);
        Ok(())
    })?;
    Ok(events)
}

/// Appends one event as such a line.
///
/// # Panics
/// Where a time is past the year 9999, or a field is not of the set.
pub fn write_log_line(out: &mut Vec<u8>, set: &TraceSet, event: &LogEvent) {
    let time = Timestamp::from_nanosecond(i128::from(event.time_ns))
        .unwrap_or_else(|error| panic!("time {} ns: {error}", event.time_ns));
    let mut field = |key: &str, text: &str| {
        out.push(if key == "timestamp" { b'{' } else { b',' });
        push_json_str(out, key);
        out.push(b':');
        push_json_str(out, text);
    };
    field("timestamp", &format!("{time:.6}"));
    field("severity", event.severity.name());
    field("service", set.service(event.resource));
    field("instance", set.instance(event.resource));
    if let Some(trace_id) = event.trace_id {
        field("trace_id", &format!("{trace_id:032x}"));
    }
    if let Some(span_id) = event.span_id {
        field("span_id", &format!("{span_id:016x}"));
    }
    field("message", &event.message);
    for attribute in &event.fields {
        out.push(b',');
        push_json_str(out, set.text(attribute.key));
        out.push(b':');
        let json = to_json(set, &attribute.value);
        serde_json::to_writer(&mut *out, &json).expect("JSON can be written to memory");
    }
    out.extend_from_slice(b"}\n");
}

fn read_event(set: &mut TraceSet, line: LogLine<'_>) -> Result<LogEvent, ReadProblem> {
    let time_ns = line
        .timestamp
        .parse::<Timestamp>()
        .ok()
        .and_then(|time| u64::try_from(time.as_nanosecond()).ok())
        .ok_or_else(|| {
            ReadProblem::field("timestamp", &line.timestamp, "an RFC 3339 time since 1970")
        })?;
    let severity = Severity::from_name(&line.severity).ok_or_else(|| {
        ReadProblem::field(
            "severity",
            &line.severity,
            "TRACE, DEBUG, INFO, WARN or ERROR",
        )
    })?;
    let trace_id = match line.trace_id.as_ref() {
        "" => None,
        text => Some(
            u128::from_str_radix(text, 16)
                .map_err(|_| ReadProblem::field("trace_id", text, "32 hexadecimal digits"))?,
        ),
    };
    let span_id = match line.span_id.as_ref() {
        "" => None,
        text => Some(
            u64::from_str_radix(text, 16)
                .map_err(|_| ReadProblem::field("span_id", text, "16 hexadecimal digits"))?,
        ),
    };
    let fields: Vec<Attribute> = line
        .others
        .into_iter()
        .map(|(key, json)| Attribute::new(set.intern(&key), from_json(set, json)))
        .collect();
    Ok(LogEvent {
        time_ns,
        severity,
        resource: set.resource(&line.service, &line.instance),
        trace_id: trace_id.filter(|&id| id != 0),
        span_id: span_id.filter(|&id| id != 0),
        message: line.message.into(),
        fields: fields.into(),
    })
}

/// A line before its texts are understood.
#[derive(Default)]
struct LogLine<'a> {
    timestamp: Cow<'a, str>,
    severity: Cow<'a, str>,
    service: Cow<'a, str>,
    instance: Cow<'a, str>,
    trace_id: Cow<'a, str>,
    span_id: Cow<'a, str>,
    message: Cow<'a, str>,
    others: Vec<(Cow<'a, str>, Json)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for LogLine<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(LogLineVisitor)
    }
}

/// Serde's derived code keeps the order of unknown fields only by way of `flatten`, which buffers
/// the whole line.
struct LogLineVisitor;

impl<'de> Visitor<'de> for LogLineVisitor {
    type Value = LogLine<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a log line as a JSON object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<LogLine<'de>, M::Error> {
        let mut line = LogLine::default();
        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
            let slot = match key.as_ref() {
                "timestamp" => &mut line.timestamp,
                "severity" => &mut line.severity,
                "service" => &mut line.service,
                "instance" => &mut line.instance,
                "trace_id" => &mut line.trace_id,
                "span_id" => &mut line.span_id,
                "message" => &mut line.message,
                _ => {
                    let json = map.next_value()?;
                    line.others.push((key, json));
                    continue;
                }
            };
            *slot = map
                .next_value::<Option<Text<'de>>>()?
                .map(|Text(text)| text)
                .unwrap_or_default();
        }
        for (name, text) in [
            ("timestamp", &line.timestamp),
            ("severity", &line.severity),
            ("service", &line.service),
        ] {
            if text.is_empty() {
                return Err(M::Error::missing_field(name));
            }
        }
        Ok(line)
    }
}
