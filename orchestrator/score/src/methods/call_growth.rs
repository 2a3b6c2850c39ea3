//! "Which call takes longer than the callee says?"

use std::collections::BTreeMap;

use ragdoll_trace::Symbol;

use super::scores::Scores;
use crate::case::CaseData;

/// Total and number in each part.
type Sums = [(f64, u64); 2];

/// For each operation that one service serves and another one's span is the parent of: growth of the
/// mean time by which the parent is longer. The callee is blamed, with its operation that grew most.
pub(super) fn growth(case: &CaseData) -> Scores {
    let mut operations: BTreeMap<(Symbol, Symbol), Sums> = BTreeMap::new();
    for (part, call) in case.forest.all_calls(&case.observations.traces) {
        let Some((parent, caller)) = call.parent else {
            continue;
        };
        if caller != call.service {
            let sums = operations
                .entry((call.service, call.span.name))
                .or_default();
            let (total, number) = &mut sums[part as usize];
            *total += parent.duration_ns() as f64 - call.span.duration_ns() as f64;
            *number += 1;
        }
    }
    let mut scores = Scores::new();
    for ((service, _), [(before, calls_before), (during, calls_during)]) in operations {
        if calls_before > 0 && calls_during > 0 {
            let growth = during / calls_during as f64 - before / calls_before as f64;
            let score = scores.entry(service).or_insert(growth);
            *score = score.max(growth);
        }
    }
    scores
}
