//! What a run left behind, sorted into the two stretches of a case.

use ragdoll_score::{Part, Stretch};
use ragdoll_trace::{LogEvent, MetricPoint, Observations, Span, Symbol, TraceSet};
use rustc_hash::FxHashMap;

/// Telemetry of a case. A trace belongs to the stretch in which its root starts, with all of its
/// spans and log lines; what belongs to no request, to the one in which it was said. What lies
/// outside of both is left out.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The spans of the first stretch, then those of the second, each in their order.
    pub(crate) set: TraceSet,
    /// Spans of the first stretch.
    pub(crate) spans_before: usize,
    logs: [Vec<LogEvent>; 2],
    metrics: [Vec<MetricPoint>; 2],
}

impl Parts {
    pub(crate) fn new(observations: &Observations, before: Stretch, during: Stretch) -> Self {
        let part_at = |time_ns: u64| {
            let within = |stretch: &Stretch| (stretch.start_ns..stretch.end_ns).contains(&time_ns);
            match () {
                () if within(&before) => Some(Part::Before),
                () if within(&during) => Some(Part::During),
                () => None,
            }
        };
        let spans = observations.traces.spans();
        let roots = spans.iter().filter(|span| span.parent_id.is_none());
        let mut part_of: FxHashMap<u128, Part> = FxHashMap::default();
        for root in roots {
            if let Some(part) = part_at(root.start_ns) {
                part_of.insert(root.trace_id, part);
            }
        }
        let mut set = without_spans(&observations.traces);
        let mut counts = [0; 2];
        for part in Part::ALL {
            let own = spans
                .iter()
                .filter(|span| part_of.get(&span.trace_id) == Some(&part));
            for span in own {
                set.push(Span::clone(span));
                counts[part as usize] += 1;
            }
        }
        let mut parts = Parts {
            set,
            spans_before: counts[0],
            logs: Default::default(),
            metrics: Default::default(),
        };
        for event in &observations.logs {
            let part = match event.trace_id {
                Some(trace) => part_of.get(&trace).copied(),
                None => part_at(event.time_ns),
            };
            if let Some(part) = part {
                parts.logs[part as usize].push(event.clone());
            }
        }
        for point in &observations.metrics {
            if let Some(part) = part_at(point.time_ns) {
                parts.metrics[part as usize].push(point.clone());
            }
        }
        parts
    }

    /// Log lines of a stretch.
    pub(crate) fn logs(&self, part: Part) -> &[LogEvent] {
        &self.logs[part as usize]
    }

    /// Samples of a stretch.
    pub(crate) fn metrics(&self, part: Part) -> &[MetricPoint] {
        &self.metrics[part as usize]
    }

    /// Positions of a stretch's spans in the set.
    pub(crate) fn spans(&self, part: Part) -> std::ops::Range<usize> {
        match part {
            Part::Before => 0..self.spans_before,
            Part::During => self.spans_before..self.set.spans().len(),
        }
    }
}

/// A set with the same texts and resources by the same numbers, and no spans.
fn without_spans(set: &TraceSet) -> TraceSet {
    let mut copy = TraceSet::new();
    for number in 0..set.symbol_count() {
        let symbol = Symbol(number as u32);
        let copied = copy.intern(set.text(symbol));
        assert_eq!(copied, symbol, "texts are numbered in their order");
    }
    for resource in set.resources() {
        copy.resource_with(
            set.text(resource.service),
            set.text(resource.instance),
            resource.attributes.to_vec(),
        );
    }
    copy
}
