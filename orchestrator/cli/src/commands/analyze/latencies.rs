//! Durations of requests, from the root spans as the analyser sees them.

use std::collections::BTreeMap;

use ragdoll_analyser::{Prepared, RootOperation, Window, waterfall};
use ragdoll_report::Latencies;
use ragdoll_trace::{Observations, TraceIndex};

use super::windows::Windows;

/// Requests of each window that are looked at; more are sampled evenly.
const LOOKED_AT_MAX: usize = 10_000;

/// Root span of a request.
struct Root {
    service: String,
    operation: String,
    duration_ms: f64,
    failed: bool,
}

/// Requests of both windows, or of very many an even sample.
pub(super) struct Sample {
    now: Vec<Root>,
    before: Vec<Root>,
}

impl Sample {
    pub(super) fn new(
        prepared: &Prepared<'_>,
        observations: &Observations,
        windows: &Windows,
    ) -> Self {
        let index = TraceIndex::new(&observations.traces);
        let spans = observations.traces.spans();
        let mut starts: Vec<(u64, u128)> = index
            .iter()
            .map(|trace| (spans[trace.spans[0] as usize].start_ns, trace.trace_id))
            .collect();
        starts.sort_unstable();
        Sample {
            now: roots(prepared, &starts, &windows.window),
            before: roots(prepared, &starts, &windows.baseline),
        }
    }

    /// The operation whose requests take the most time in total.
    pub(super) fn operation(&self) -> Option<String> {
        self.operations().into_iter().next()
    }

    /// All operations, that with the most time first.
    pub(super) fn operations(&self) -> Vec<String> {
        let mut total_ms: BTreeMap<&str, f64> = BTreeMap::new();
        for root in self.now.iter().chain(&self.before) {
            *total_ms.entry(&root.operation).or_default() += root.duration_ms;
        }
        let mut operations: Vec<(&str, f64)> = total_ms.into_iter().collect();
        operations.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(a.0)));
        operations
            .into_iter()
            .map(|(operation, _)| operation.to_owned())
            .collect()
    }

    /// How long the requests of an operation took.
    pub(super) fn latencies(&self, operation: Option<&RootOperation>) -> Latencies {
        let is_asked = |root: &&Root| {
            operation
                .is_some_and(|asked| root.service == asked.service && root.operation == asked.name)
        };
        let of = |roots: &[Root]| -> Vec<(f64, bool)> {
            let asked = roots.iter().filter(is_asked);
            asked.map(|root| (root.duration_ms, root.failed)).collect()
        };
        Latencies::new(&of(&self.now), &of(&self.before))
    }
}

/// Roots of the traces that start in a window; `starts` is sorted.
fn roots(prepared: &Prepared<'_>, starts: &[(u64, u128)], window: &Window) -> Vec<Root> {
    let from = starts.partition_point(|&(start_ns, _)| start_ns < window.start_ns);
    let to = starts.partition_point(|&(start_ns, _)| start_ns < window.end_ns);
    let within = &starts[from..to.max(from)];
    let every = within.len().div_ceil(LOOKED_AT_MAX).max(1);
    let chosen = within.iter().step_by(every);
    chosen
        .filter_map(|&(_, trace_id)| waterfall(prepared, trace_id).into_iter().next())
        .map(|root| Root {
            service: root.service,
            operation: root.name,
            duration_ms: root.duration_ms,
            failed: root.error.is_some(),
        })
        .collect()
}
