//! "Which service fails more often than before?"

use std::collections::BTreeMap;

use ragdoll_trace::Status;

use super::scores::{Scores, growth_of};
use crate::case::CaseData;

/// Growth of the number of a service's failed spans a request.
pub(super) fn growth(case: &CaseData) -> Scores {
    let requests = case.forest.requests();
    let mut sums: BTreeMap<_, [f64; 2]> = BTreeMap::new();
    for (part, call) in case.forest.all_calls(&case.observations.traces) {
        if call.span.status == Status::Error {
            let number = part as usize;
            sums.entry(call.service).or_default()[number] += 1.0 / requests[number];
        }
    }
    growth_of(sums)
}
