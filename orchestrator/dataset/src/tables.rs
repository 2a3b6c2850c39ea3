//! The tables of a case: spans, log lines and samples, of both stretches.

use std::io::Write as _;

use ragdoll_score::{CaseFolder, Part, Signal};
use ragdoll_trace::{Attribute, Link, SpanKind, Status, TraceSet, Value};

use crate::error::DatasetError;
use crate::files::write as write_file;
use crate::parquet::{Column, Table};
use crate::parts::Parts;

/// Whether tables can be written at all.
///
/// # Errors
/// None here: those of a program without tables are in `tables_left_out.rs`.
pub(crate) fn check() -> Result<(), DatasetError> {
    Ok(())
}

/// Writes all tables of a case.
pub(crate) fn write(folder: &CaseFolder, parts: &Parts) -> Result<(), DatasetError> {
    for signal in Signal::ALL {
        let table: Table = match signal {
            Signal::Traces => spans(parts),
            Signal::Logs => logs(parts),
            Signal::Metrics => metrics(parts),
        };
        let path = folder.parquet_path(signal);
        let bytes = table.into_bytes();
        let bytes = bytes.map_err(|source| DatasetError::Table {
            path: path.clone(),
            source: source.into(),
        })?;
        write_file(&path, &bytes)?;
    }
    Ok(())
}

fn phase(part: Part) -> &'static str {
    match part {
        Part::Before => crate::plan::BEFORE,
        Part::During => crate::plan::DURING,
    }
}

/// `spans.parquet`.
fn spans(parts: &Parts) -> Table {
    let mut phases = Column::words("phase");
    let mut traces = Column::words("trace_id");
    let mut ids = Column::text("span_id");
    let mut parents = Column::optional("parent_span_id");
    let mut services = Column::words("service");
    let mut instances = Column::words("instance");
    let mut names = Column::words("name");
    let mut kinds = Column::words("kind");
    let mut starts = Column::times("start");
    let mut ends = Column::times("end");
    let mut statuses = Column::words("status");
    let mut attributes = Column::text("attributes");
    let mut links = Column::words("links");
    let set = &parts.set;
    for part in Part::ALL {
        for span in &set.spans()[parts.spans(part)] {
            phases.push(phase(part));
            traces.push_with(|out| push_trace_id(out, span.trace_id));
            ids.push_with(|out| push_span_id(out, span.span_id));
            match span.parent_id {
                Some(parent) => parents.push_with(|out| push_span_id(out, parent.get())),
                None => parents.push_none(),
            }
            services.push(set.service(span.resource));
            instances.push(set.instance(span.resource));
            names.push(set.text(span.name));
            kinds.push(kind(span.kind));
            starts.push_time(span.start_ns);
            ends.push_time(span.end_ns);
            statuses.push(status(span.status));
            attributes.push_with(|out| push_map(out, set, &span.attributes));
            links.push_with(|out| push_links(out, set, &span.links));
        }
    }
    let columns = vec![
        phases, traces, ids, parents, services, instances, names, kinds, starts, ends, statuses,
        attributes, links,
    ];
    Table::new("spans", columns)
}

/// `logs.parquet`.
fn logs(parts: &Parts) -> Table {
    let mut phases = Column::words("phase");
    let mut times = Column::times("time");
    let mut severities = Column::words("severity");
    let mut services = Column::words("service");
    let mut instances = Column::words("instance");
    let mut traces = Column::optional("trace_id");
    let mut spans = Column::optional("span_id");
    let mut messages = Column::words("message");
    let mut fields = Column::text("fields");
    let set = &parts.set;
    for part in Part::ALL {
        for event in parts.logs(part) {
            phases.push(phase(part));
            times.push_time(event.time_ns);
            severities.push(event.severity.name());
            services.push(set.service(event.resource));
            instances.push(set.instance(event.resource));
            match event.trace_id {
                Some(id) => traces.push_with(|out| push_trace_id(out, id)),
                None => traces.push_none(),
            }
            match event.span_id {
                Some(id) => spans.push_with(|out| push_span_id(out, id)),
                None => spans.push_none(),
            }
            messages.push(&event.message);
            fields.push_with(|out| push_map(out, set, &event.fields));
        }
    }
    let columns = vec![
        phases, times, severities, services, instances, traces, spans, messages, fields,
    ];
    Table::new("logs", columns)
}

/// `metrics.parquet`.
fn metrics(parts: &Parts) -> Table {
    let mut phases = Column::words("phase");
    let mut times = Column::times("time");
    let mut services = Column::words("service");
    let mut instances = Column::words("instance");
    let mut names = Column::words("name");
    let mut units = Column::words("unit");
    let mut values = Column::numbers("value");
    let mut attributes = Column::words("attributes");
    let set = &parts.set;
    for part in Part::ALL {
        for point in parts.metrics(part) {
            phases.push(phase(part));
            times.push_time(point.time_ns);
            services.push(set.service(point.resource));
            instances.push(set.instance(point.resource));
            names.push(set.text(point.name));
            units.push(set.text(point.unit));
            values.push_number(point.value);
            attributes.push_with(|out| push_map(out, set, &point.attributes));
        }
    }
    let columns = vec![
        phases, times, services, instances, names, units, values, attributes,
    ];
    Table::new("metrics", columns)
}

const fn kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Unspecified => "unspecified",
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    }
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Unset => "unset",
        Status::Ok => "ok",
        Status::Error => "error",
    }
}

fn push_trace_id(out: &mut Vec<u8>, id: u128) {
    write!(out, "{id:032x}").expect("memory can be written");
}

fn push_span_id(out: &mut Vec<u8>, id: u64) {
    write!(out, "{id:016x}").expect("memory can be written");
}

fn push_json(out: &mut Vec<u8>, value: &impl serde::Serialize) {
    serde_json::to_writer(out, value).expect("plain data has a JSON form");
}

/// Attributes as a JSON object.
fn push_map(out: &mut Vec<u8>, set: &TraceSet, attributes: &[Attribute]) {
    out.push(b'{');
    for (number, attribute) in attributes.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        push_json(out, &set.text(attribute.key));
        out.push(b':');
        push_value(out, set, &attribute.value);
    }
    out.push(b'}');
}

fn push_list<T>(out: &mut Vec<u8>, items: &[T], push: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        push(out, item);
    }
    out.push(b']');
}

/// A number that JSON does not have becomes null, and bytes a list of numbers.
fn push_value(out: &mut Vec<u8>, set: &TraceSet, value: &Value) {
    match value {
        Value::Str(symbol) => push_json(out, &set.text(*symbol)),
        Value::Int(number) => push_json(out, number),
        Value::Float(number) => push_json(out, number),
        Value::Bool(truth) => push_json(out, truth),
        Value::Bytes(bytes) => push_json(out, &bytes.as_slice()),
        Value::List(values) => push_list(out, values, |out, value| push_value(out, set, value)),
        Value::Map(entries) => push_map(out, set, entries),
    }
}

/// Links as a JSON array of objects with `trace_id`, `span_id` and `attributes`.
fn push_links(out: &mut Vec<u8>, set: &TraceSet, links: &[Link]) {
    push_list(out, links, |out, link| {
        out.extend_from_slice(b"{\"trace_id\":\"");
        push_trace_id(out, link.trace_id);
        out.extend_from_slice(b"\",\"span_id\":\"");
        push_span_id(out, link.span_id);
        out.extend_from_slice(b"\",\"attributes\":");
        push_map(out, set, &link.attributes);
        out.push(b'}');
    });
}
