//! One instance among several whose time grew far more than its siblings'.

use crate::facts::cause::Cause;
use crate::facts::ids::{Party, ServiceId};
use crate::facts::prepared::Prepared;
use crate::facts::server_spans::{Costs, within};
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::places::main_party;
use crate::questions::population::Population;
use crate::statistics::config::Config;
use crate::statistics::summary::{mean, quantile};

/// Visits in each window below which the mean of an instance says nothing.
const VISITS_MIN: usize = 10;

/// Share of the place's time in the slow tail that an instance owns, where visits do not tell.
const MAIN_SHARE: f64 = 0.8;

/// The instance that stands out, with the figure that shows it.
pub(crate) fn standout(
    prepared: &Prepared<'_>,
    service: ServiceId,
    cause: Cause,
    now: &Population<'_>,
    before: &Population<'_>,
    config: &Config,
) -> Option<(Party, Figure)> {
    if prepared.parties.of_service(service).count() < 2 {
        return None;
    }
    if matches!(cause, Cause::Retries | Cause::Errors) {
        let (party, share) = main_party(prepared, &now.tail, service, cause)?;
        let instance = prepared.parties.instance_name(party);
        if instance.is_empty() || share < MAIN_SHARE {
            return None;
        }
        // What an instance does not answer leaves no visit there whose time could be compared.
        let of = prepared.parties.service_name(service);
        let what = format!("{} of {of} that are {instance}'s", cause.words());
        return Some((party, figure(what, 100.0 * share, None, "%")));
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
    let (party, now_ms, before_ms) = most;
    stands_out.then(|| {
        let instance = prepared.parties.instance_name(party);
        let what = format!("{} of {instance}, mean a call", cause.words());
        (party, figure(what, now_ms, before_ms, "ms"))
    })
}
