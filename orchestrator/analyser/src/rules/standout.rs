//! One instance among several whose time grew far more than its siblings'.

use crate::config::Config;
use crate::parties::{Party, ServiceId};
use crate::population::{Population, main_party};
use crate::prepared::Prepared;
use crate::statistics::{mean, quantile};
use crate::verdict::Cause;
use crate::visits::{Costs, within};

/// Visits in each window below which the mean of an instance says nothing.
const VISITS_MIN: usize = 10;

/// Share of the place's time in the slow tail that an instance owns, where visits do not tell.
const MAIN_SHARE: f64 = 0.8;

/// The instance that stands out, with its mean milliseconds a visit now and before.
pub(crate) fn standout(
    prepared: &Prepared<'_>,
    service: ServiceId,
    cause: Cause,
    now: &Population<'_>,
    before: &Population<'_>,
    config: &Config,
) -> Option<(Party, f64, f64)> {
    if prepared.parties.of_service(service).count() < 2 {
        return None;
    }
    if matches!(cause, Cause::Retries | Cause::Errors) {
        let (party, share) = main_party(prepared, &now.tail, service, cause)?;
        let known = !prepared.parties.instance_name(party).is_empty();
        return (known && share >= MAIN_SHARE).then_some((party, 0.0, 0.0));
    }
    let mut changes: Vec<(Party, f64, f64)> = Vec::new();
    for party in prepared.parties.of_service(service) {
        let visits = within(prepared.visits(party), &now.window);
        let visits_before = within(prepared.visits(party), &before.window);
        if visits.len() >= VISITS_MIN && visits_before.len() >= VISITS_MIN {
            let cost = |costs: &Costs| costs.get(Some(cause));
            changes.push((
                party,
                mean(visits.iter().map(|visit| cost(&visit.costs))),
                mean(visits_before.iter().map(|visit| cost(&visit.costs))),
            ));
        }
    }
    let growth = |&(_, now, before): &(Party, f64, f64)| now - before;
    let most = *changes
        .iter()
        .max_by(|a, b| growth(a).total_cmp(&growth(b)))?;
    let others: Vec<f64> = changes
        .iter()
        .filter(|change| change.0 != most.0)
        .map(growth)
        .collect();
    if others.is_empty() {
        return None;
    }
    let typical = quantile(others, 0.5).max(0.0);
    let grew = growth(&most);
    let stands_out = grew >= config.growth_floor_ms
        && grew >= config.standout_ratio * typical
        && grew >= 0.5 * most.2;
    stands_out.then_some(most)
}
