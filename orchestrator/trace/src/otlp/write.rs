//! Writing of batches.

use std::ops::Range;

use super::text::{
    push_attributes, push_float, push_hex_u64, push_hex_u128, push_int, push_list, push_symbol,
};
use crate::metrics::MetricPoint;
use crate::resource::{Resource, ResourceId};
use crate::set::TraceSet;
use crate::span::{Link, Span, Status};

/// Writes batches of spans and metric points as OTLP JSON lines. Keeps only working memory from
/// call to call: the bytes of a batch depend on the batch alone.
#[derive(Debug, Default)]
pub struct OtlpJsonWriter {
    positions_by_resource: Vec<Vec<usize>>,
}

impl OtlpJsonWriter {
    /// A writer.
    pub fn new() -> Self {
        OtlpJsonWriter::default()
    }

    /// Appends one line, an `ExportTraceServiceRequest`, with the spans at these positions of the
    /// set: resources in the order of their ids, the spans of each in the order of the set. An
    /// empty range appends nothing.
    ///
    /// # Panics
    /// Where the range goes past the end of the set.
    pub fn write_batch(&mut self, out: &mut Vec<u8>, set: &TraceSet, range: Range<usize>) {
        let first = range.start;
        let spans = &set.spans()[range];
        self.group(set, spans.iter().map(|span| span.resource));
        if spans.is_empty() {
            return;
        }
        out.extend_from_slice(b"{\"resourceSpans\":");
        push_list(out, self.groups(), |out, (resource, positions)| {
            push_resource(out, set, resource);
            out.extend_from_slice(b",\"scopeSpans\":[{\"scope\":{\"name\":\"ragdoll\"},\"spans\":");
            push_list(out, positions, |out, &position| {
                push_span(out, set, &set.spans()[first + position]);
            });
            out.extend_from_slice(b"}]}");
        });
        out.extend_from_slice(b"}\n");
    }

    /// Appends one line, an `ExportMetricsServiceRequest` of gauges, with these points: resources
    /// in the order of their ids, metrics in the order in which their names were first seen in the
    /// set, the points of each in the given order. No points append nothing.
    pub fn write_metrics(&mut self, out: &mut Vec<u8>, set: &TraceSet, points: &[MetricPoint]) {
        self.group(set, points.iter().map(|point| point.resource));
        if points.is_empty() {
            return;
        }
        for positions in &mut self.positions_by_resource {
            positions.sort_by_key(|&position| (points[position].name, points[position].unit));
        }
        out.extend_from_slice(b"{\"resourceMetrics\":");
        push_list(out, self.groups(), |out, (resource, positions)| {
            push_resource(out, set, resource);
            out.extend_from_slice(
                b",\"scopeMetrics\":[{\"scope\":{\"name\":\"ragdoll\"},\"metrics\":",
            );
            let metrics = positions.chunk_by(|&a, &b| {
                (points[a].name, points[a].unit) == (points[b].name, points[b].unit)
            });
            push_list(out, metrics, |out, positions| {
                push_gauge(out, set, points, positions);
            });
            out.extend_from_slice(b"}]}");
        });
        out.extend_from_slice(b"}\n");
    }

    fn group(&mut self, set: &TraceSet, resources: impl Iterator<Item = ResourceId>) {
        self.positions_by_resource.iter_mut().for_each(Vec::clear);
        self.positions_by_resource
            .resize(set.resources().len(), Vec::new());
        for (position, resource) in resources.enumerate() {
            self.positions_by_resource[resource.0 as usize].push(position);
        }
    }

    fn groups(&self) -> impl Iterator<Item = (ResourceId, &[usize])> {
        self.positions_by_resource
            .iter()
            .enumerate()
            .filter(|(_, positions)| !positions.is_empty())
            .map(|(id, positions)| (ResourceId(id as u32), positions.as_slice()))
    }
}

/// Opens an object and writes its first field, the resource.
fn push_resource(out: &mut Vec<u8>, set: &TraceSet, id: ResourceId) {
    let Resource {
        service,
        instance,
        attributes,
    } = &set.resources()[id.0 as usize];
    out.extend_from_slice(
        b"{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{\"stringValue\":",
    );
    push_symbol(out, set, *service);
    out.extend_from_slice(b"}}");
    if !set.text(*instance).is_empty() {
        out.extend_from_slice(b",{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":");
        push_symbol(out, set, *instance);
        out.extend_from_slice(b"}}");
    }
    if !attributes.is_empty() {
        let at = out.len();
        push_attributes(out, set, attributes.iter());
        out[at] = b',';
        out.pop();
    }
    out.extend_from_slice(b"]}");
}

fn push_span(out: &mut Vec<u8>, set: &TraceSet, span: &Span) {
    out.extend_from_slice(b"{\"traceId\":\"");
    push_hex_u128(out, span.trace_id);
    out.extend_from_slice(b"\",\"spanId\":\"");
    push_hex_u64(out, span.span_id);
    if let Some(parent) = span.parent_id {
        out.extend_from_slice(b"\",\"parentSpanId\":\"");
        push_hex_u64(out, parent.get());
    }
    out.extend_from_slice(b"\",\"name\":");
    push_symbol(out, set, span.name);
    out.extend_from_slice(b",\"kind\":");
    push_int(out, span.kind as u8);
    out.extend_from_slice(b",\"startTimeUnixNano\":\"");
    push_int(out, span.start_ns);
    out.extend_from_slice(b"\",\"endTimeUnixNano\":\"");
    push_int(out, span.end_ns);
    out.push(b'"');
    if !span.attributes.is_empty() {
        out.extend_from_slice(b",\"attributes\":");
        push_attributes(out, set, span.attributes.iter());
    }
    if !span.links.is_empty() {
        out.extend_from_slice(b",\"links\":");
        push_list(out, span.links.iter(), |out, link| {
            push_link(out, set, link)
        });
    }
    match span.status {
        Status::Unset => out.extend_from_slice(b",\"status\":{}}"),
        Status::Ok => out.extend_from_slice(b",\"status\":{\"code\":1}}"),
        Status::Error => out.extend_from_slice(b",\"status\":{\"code\":2}}"),
    }
}

fn push_link(out: &mut Vec<u8>, set: &TraceSet, link: &Link) {
    out.extend_from_slice(b"{\"traceId\":\"");
    push_hex_u128(out, link.trace_id);
    out.extend_from_slice(b"\",\"spanId\":\"");
    push_hex_u64(out, link.span_id);
    out.extend_from_slice(b"\",\"attributes\":");
    push_attributes(out, set, link.attributes.iter());
    out.push(b'}');
}

fn push_gauge(out: &mut Vec<u8>, set: &TraceSet, points: &[MetricPoint], positions: &[usize]) {
    let metric = &points[positions[0]];
    out.extend_from_slice(b"{\"name\":");
    push_symbol(out, set, metric.name);
    out.extend_from_slice(b",\"unit\":");
    push_symbol(out, set, metric.unit);
    out.extend_from_slice(b",\"gauge\":{\"dataPoints\":");
    push_list(out, positions, |out, &position| {
        let point = &points[position];
        out.push(b'{');
        if !point.attributes.is_empty() {
            out.extend_from_slice(b"\"attributes\":");
            push_attributes(out, set, point.attributes.iter());
            out.push(b',');
        }
        out.extend_from_slice(b"\"timeUnixNano\":\"");
        push_int(out, point.time_ns);
        out.extend_from_slice(b"\",\"asDouble\":");
        push_float(out, point.value);
        out.push(b'}');
    });
    out.extend_from_slice(b"}}");
}
