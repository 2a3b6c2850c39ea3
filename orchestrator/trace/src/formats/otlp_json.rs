//! Batches of OTLP's JSON, of any signal.

use super::format::{Format, Outcome};
use super::head::{Head, Shape};
use super::otlp_json_items::{read_log, read_metric, read_span, resource};
use super::otlp_model::Batch;
use super::otlp_walk::{EXPECTED, walk};
use crate::oddities::Dropped;
use crate::part::Part;
use crate::read_error::ReadProblem;

/// A batch has at least one of these keys, as OTLP or as protobuf spells them.
const KEYS: [&str; 6] = [
    "resourceSpans",
    "resourceMetrics",
    "resourceLogs",
    "resource_spans",
    "resource_metrics",
    "resource_logs",
];

/// OTLP in its JSON encoding: batches one a line, one after the other, or in a list.
pub(super) struct OtlpJson;

impl Format for OtlpJson {
    fn name(&self) -> &'static str {
        "OTLP JSON"
    }

    /// An empty object is a batch of nothing.
    fn detect(&self, head: &Head<'_>) -> Option<Shape> {
        let keys = head.keys()?;
        let is_batch = KEYS.iter().any(|key| keys.has(key)) || keys.is_empty_object();
        is_batch.then(|| head.json_shape())
    }

    /// Of a batch that is broken, every part is read that is not.
    fn read(&self, part: &mut Part, object: &str) -> Outcome {
        match read_batch(part, object) {
            Ok(()) => Outcome::Read,
            Err((true, problem)) => {
                part.fault(Dropped::BadLine, problem);
                Outcome::Read
            }
            Err((false, problem)) => Outcome::Foreign(problem),
        }
    }

    fn read_quickly(&self, part: &mut Part, line: &str) -> bool {
        match serde_json::from_str::<Batch<'_>>(line) {
            Ok(batch) => read_whole(part, batch),
            Err(_) => false,
        }
    }

    fn read_cut(&self, part: &mut Part, object: &str) {
        // Where it ends is of no interest; that it does is said once.
        let _ = walk(part, object);
        part.fault(Dropped::CutLine, ReadProblem::Cut);
    }
}

/// Reads a batch that came by itself. Of one that is broken, what was read before the fault is in the
/// part.
pub(crate) fn read_request(part: &mut Part, text: &str) -> Result<(), ReadProblem> {
    read_batch(part, text).map_err(|(_, problem)| problem)
}

/// Reads a batch, or as much as can be read, and then says also whether it was one at all.
fn read_batch(part: &mut Part, text: &str) -> Result<(), (bool, ReadProblem)> {
    if OtlpJson.read_quickly(part, text) {
        return Ok(());
    }
    let is_batch = walk(part, text)?;
    match is_batch || is_empty(text) {
        true => Ok(()),
        false => Err((false, ReadProblem::field("batch", text, EXPECTED))),
    }
}

fn is_empty(text: &str) -> bool {
    text.chars()
        .filter(|char| !char.is_whitespace())
        .eq("{}".chars())
}

/// Reads a batch that is as it should be, unless it has no signal at all.
fn read_whole(part: &mut Part, batch: Batch<'_>) -> bool {
    let signals = (
        batch.resource_spans,
        batch.resource_metrics,
        batch.resource_logs,
    );
    if matches!(signals, (None, None, None)) {
        return false;
    }
    for group in signals.0.into_iter().flatten() {
        let resource = resource(part, group.resource);
        let spans = group.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.for_each(|span| read_span(part, resource, span));
    }
    for group in signals.1.into_iter().flatten() {
        let resource = resource(part, group.resource);
        let scopes = group.scope_metrics.into_iter();
        let metrics = scopes.flat_map(|scope| scope.metrics);
        metrics.for_each(|metric| read_metric(part, resource, metric));
    }
    for group in signals.2.into_iter().flatten() {
        let resource = resource(part, group.resource);
        let scopes = group.scope_logs.into_iter();
        let records = scopes.flat_map(|scope| scope.log_records);
        records.for_each(|record| read_log(part, resource, record));
    }
    true
}
