//! Scores of services, which the naive methods give.

use std::collections::BTreeMap;

use ragdoll_trace::Symbol;

/// Score of each service by its symbol; what is not above zero is no answer.
pub(super) type Scores = BTreeMap<Symbol, f64>;

/// What each service has more of with the faults than before them.
pub(super) fn growth_of(sums: BTreeMap<Symbol, [f64; 2]>) -> Scores {
    let growth = |(service, [before, during]): (Symbol, [f64; 2])| (service, during - before);
    sums.into_iter().map(growth).collect()
}
