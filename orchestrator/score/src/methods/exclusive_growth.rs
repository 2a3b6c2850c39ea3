//! "Which service spends more time of its own than before?"

use std::collections::BTreeMap;

use super::scores::{Scores, growth_of};
use crate::case::CaseData;

/// Growth of the time that a service's spans take a request while none of their children runs.
pub(super) fn growth(case: &CaseData) -> Scores {
    let requests = case.forest.requests();
    let mut sums: BTreeMap<_, [f64; 2]> = BTreeMap::new();
    for (part, call) in case.forest.all_calls(&case.observations.traces) {
        let number = part as usize;
        sums.entry(call.service).or_default()[number] +=
            call.exclusive_ns as f64 / requests[number];
    }
    growth_of(sums)
}
