//! What was read, in words.

use std::path::PathBuf;

use ragdoll_trace::{Attribute, Observations, ReadReport, Reader, ResourceId, TraceSet};

/// When the samples begin, nanoseconds since the Unix epoch.
pub(crate) const START_NS: u64 = 1_700_000_000_000_000_000;

/// A file or folder of the samples.
pub(crate) fn sample(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/samples")
        .join(name)
}

/// Reads bytes that must be readable.
pub(crate) fn read(bytes: &[u8]) -> (Observations, ReadReport) {
    let mut reader = Reader::new();
    reader
        .read("test", bytes)
        .unwrap_or_else(|error| panic!("{error}"));
    reader.finish()
}

/// Reads a sample.
pub(crate) fn read_sample(name: &str) -> (Observations, ReadReport) {
    let path = sample(name);
    read(&std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// All spans, log events and metric points, one a line, and what the reader says of them.
pub(crate) fn words((seen, report): &(Observations, ReadReport)) -> String {
    let set = &seen.traces;
    let mut lines = Vec::new();
    for span in set.spans() {
        let parent = span.parent_id.map_or(0, |id| id.get());
        let mut line = format!(
            "{} {:x}:{:x} of {parent:x}, {}, {:?} {:?}, {} +{} ns{}",
            process(set, span.resource),
            span.trace_id,
            span.span_id,
            set.text(span.name),
            span.kind,
            span.status,
            time(span.start_ns),
            span.end_ns - span.start_ns,
            attributes(set, &span.attributes),
        );
        for link in &span.links {
            line += &format!(
                " -> {:x}:{:x}{}",
                link.trace_id,
                link.span_id,
                attributes(set, &link.attributes)
            );
        }
        lines.push(line);
    }
    for event in &seen.logs {
        lines.push(format!(
            "{} {} {}: {} ({:x}:{:x}){}",
            process(set, event.resource),
            time(event.time_ns),
            event.severity.name(),
            event.message,
            event.trace_id.unwrap_or(0),
            event.span_id.unwrap_or(0),
            attributes(set, &event.fields)
        ));
    }
    for point in &seen.metrics {
        lines.push(format!(
            "{} {} {} = {} {}{}",
            process(set, point.resource),
            time(point.time_ns),
            set.text(point.name),
            point.value,
            set.text(point.unit),
            attributes(set, &point.attributes)
        ));
    }
    let sources = report.sources.iter().map(ToString::to_string);
    lines.extend(sources.chain(report.notes()));
    lines.join("\n")
}

fn process(set: &TraceSet, id: ResourceId) -> String {
    format!("{}/{}", set.service(id), set.instance(id))
}

/// Relative to [`START_NS`], where that says more.
fn time(ns: u64) -> String {
    match ns.checked_sub(START_NS) {
        Some(since) => format!("@{since}"),
        None => ns.to_string(),
    }
}

fn attributes(set: &TraceSet, attributes: &[Attribute]) -> String {
    let words = attributes.iter().map(|attribute| {
        format!(
            " {}={}",
            set.text(attribute.key),
            set.display(&attribute.value)
        )
    });
    words.collect()
}
