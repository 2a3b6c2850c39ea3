//! Telemetry as a system has it that nobody instrumented by hand.

use std::num::NonZeroU64;

use rustc_hash::FxHashMap;

use crate::set::Observations;
use crate::span::{Span, SpanKind};

/// A span by its trace and its own number.
type Id = (u128, u64);

impl Observations {
    /// What instrumentation of calls alone would have recorded: spans that are one side of a call or a
    /// message, and roots. A span whose parent goes is put under the nearest ancestor that stays. Logs and
    /// metrics go.
    pub fn calls_alone(mut self) -> Observations {
        let spans = self.traces.spans_mut();
        let gone: FxHashMap<Id, Option<NonZeroU64>> = spans
            .iter()
            .filter(|span| !stays(span))
            .map(|span| ((span.trace_id, span.span_id), span.parent_id))
            .collect();
        spans.retain(stays);
        for span in spans {
            span.parent_id = nearest(&gone, span.trace_id, span.parent_id);
        }
        self.logs.clear();
        self.metrics.clear();
        self
    }
}

fn stays(span: &Span) -> bool {
    span.parent_id.is_none() || span.kind != SpanKind::Internal
}

/// The first ancestor that stays. Broken telemetry may have a circle of parents, so the way up is no
/// longer than the number of spans that go.
fn nearest(
    gone: &FxHashMap<Id, Option<NonZeroU64>>,
    trace_id: u128,
    mut parent: Option<NonZeroU64>,
) -> Option<NonZeroU64> {
    for _ in 0..gone.len() {
        let id = parent?;
        match gone.get(&(trace_id, id.get())) {
            Some(next) => parent = *next,
            None => break,
        }
    }
    parent
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Status;
    use crate::{LogEvent, MetricPoint, Severity};

    fn span(observations: &mut Observations, span_id: u64, parent_id: u64, kind: SpanKind) {
        let resource = observations.traces.resource("cart", "cart-0");
        let name = observations.traces.intern("work");
        observations.traces.push(Span {
            trace_id: 1,
            span_id,
            parent_id: NonZeroU64::new(parent_id),
            start_ns: 0,
            end_ns: 10,
            attributes: Box::default(),
            links: Box::default(),
            resource,
            name,
            kind,
            status: Status::Unset,
        });
    }

    fn parents(observations: &Observations) -> Vec<(u64, u64)> {
        let spans = observations.traces.spans().iter();
        spans
            .map(|span| (span.span_id, span.parent_id.map_or(0, NonZeroU64::get)))
            .collect()
    }

    #[test]
    fn sides_of_calls_stay_under_the_nearest_of_them() {
        let mut seen = Observations::default();
        for (span_id, parent_id, kind) in [
            (1, 0, SpanKind::Internal),
            (2, 1, SpanKind::Server),
            (3, 2, SpanKind::Internal),
            (4, 3, SpanKind::Internal),
            (5, 4, SpanKind::Client),
            (6, 4, SpanKind::Unspecified),
        ] {
            span(&mut seen, span_id, parent_id, kind);
        }
        let found = seen.calls_alone();
        assert_eq!(parents(&found), [(1, 0), (2, 1), (5, 2), (6, 2)]);
    }

    #[test]
    fn a_circle_of_parents_has_an_end() {
        let mut seen = Observations::default();
        span(&mut seen, 1, 2, SpanKind::Internal);
        span(&mut seen, 2, 1, SpanKind::Internal);
        span(&mut seen, 3, 2, SpanKind::Server);
        let found = seen.calls_alone();
        assert_eq!(found.traces.spans().len(), 1);
    }

    #[test]
    fn logs_and_metrics_go() {
        let mut seen = Observations::default();
        span(&mut seen, 1, 0, SpanKind::Server);
        let resource = seen.traces.resource("cart", "cart-0");
        let name = seen.traces.intern("process.memory.usage");
        seen.metrics.push(MetricPoint {
            time_ns: 1,
            resource,
            name,
            value: 1.0,
            unit: name,
            attributes: Box::default(),
        });
        seen.logs.push(LogEvent {
            time_ns: 1,
            resource,
            severity: Severity::Error,
            message: "out of memory".into(),
            fields: Box::default(),
            trace_id: None,
            span_id: None,
        });
        let found = seen.calls_alone();
        assert_eq!((found.logs.len(), found.metrics.len()), (0, 0));
        assert_eq!(found.traces.spans().len(), 1);
    }
}
