//! "Look at the slowest traces, and there at the longest span."

use std::cmp::Reverse;

use ragdoll_trace::Symbol;

use super::scores::Scores;
use crate::case::CaseData;
use crate::folder::Part;
use crate::forest::Trace;

/// Share of the requests that vote.
const SLOW_SHARE: f64 = 0.05;
/// Requests that vote at least.
const VOTES_MIN: usize = 20;

/// Each of the slowest requests of the window with the faults votes for the service of its longest span
/// below the root. The baseline plays no part.
pub(super) fn votes(case: &CaseData) -> Scores {
    let traces = case.forest.traces().iter();
    let mut slow: Vec<&Trace> = traces.filter(|trace| trace.part == Part::During).collect();
    // Traces are in the order of their ids, which a stable sort keeps among equals.
    slow.sort_by_key(|trace| Reverse(trace.duration_ns));
    let voters = ((slow.len() as f64 * SLOW_SHARE) as usize).max(VOTES_MIN);
    let mut votes = Scores::new();
    for trace in slow.into_iter().take(voters) {
        if let Some(service) = longest(case, trace) {
            *votes.entry(service).or_default() += 1.0;
        }
    }
    votes
}

fn longest(case: &CaseData, trace: &Trace) -> Option<Symbol> {
    case.forest
        .calls(&case.observations.traces, trace)
        .filter(|call| call.parent.is_some())
        .min_by_key(|call| (Reverse(call.span.duration_ns()), call.service))
        .map(|call| call.service)
}
