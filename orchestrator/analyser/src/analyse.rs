//! One window against another.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, Window};
use crate::errors::{error_origins, errors};
use crate::evidence::{figure, trait_figures};
use crate::latency::{duration_figures, latency};
use crate::population::{Population, places};
use crate::prepared::{Prepared, Request};
use crate::saturation::saturation;
use crate::traits::{Groups, leaders, shared_traits};
use crate::verdict::{Analysis, Bottleneck, Figure, SharedTrait, Verdict};

/// Compares the requests of `window` with those of `baseline`. The answer about errors comes
/// first where requests fail more often, else the one about latency. The same observations give
/// the same answer.
pub fn analyse(
    prepared: &Prepared<'_>,
    window: &Window,
    baseline: &Window,
    config: &Config,
) -> Analysis {
    let operation = operation(prepared, &[window, baseline], config);
    let now = Population::new(prepared, window, &operation, config);
    let before = Population::new(prepared, baseline, &operation, config);
    let places = places(prepared, &now, &before);
    let mut analysis = Analysis {
        traces: now.all.len() as u64,
        baseline_traces: before.all.len() as u64,
        verdict: Verdict::NoBottleneck {
            evidence: quiet_figures(&now, &before),
        },
        latency: None,
        errors: None,
        attribution: places
            .iter()
            .map(|place| place.attribution(&prepared.parties))
            .collect(),
        error_origins: error_origins(prepared, &now, config),
        shared_traits: Vec::new(),
        saturation: saturation(prepared, window),
        notes: notes(prepared, &now, &operation),
    };
    for (population, name) in [(&now, "window"), (&before, "baseline")] {
        if population.all.len() < config.requests_min {
            analysis.verdict = Verdict::NotEnoughData {
                reason: format!(
                    "the {name} has {} requests, and {} are needed",
                    population.all.len(),
                    config.requests_min
                ),
            };
            return analysis;
        }
    }

    analysis.latency = latency(prepared, &now, &before, &places, config);
    let failing = errors(prepared, &now, &before, config);
    if let Some((mut bottleneck, failed)) = failing {
        let (shared, affected) = traits_of_failing(prepared, &now, &before, &failed, config);
        analysis.shared_traits = shared;
        add_trait(&mut bottleneck, &analysis.shared_traits, affected);
        analysis.verdict = Verdict::Bottleneck(bottleneck.clone());
        analysis.errors = Some(bottleneck);
    } else if let Some(bottleneck) = &mut analysis.latency {
        let slowest = now.tail.last().map_or(0, |request| request.duration_ns);
        let others: Vec<&Request> = now
            .timed
            .iter()
            .copied()
            .filter(|request| request.duration_ns < slowest)
            .collect();
        let groups = Groups {
            affected: &now.tail,
            others: &others,
            usual: &[],
        };
        analysis.shared_traits = shared_traits(prepared, groups, config);
        add_trait(bottleneck, &analysis.shared_traits, "slow requests");
        analysis.verdict = Verdict::Bottleneck(bottleneck.clone());
    }
    analysis
}

/// The operation that is compared: the given one, else the one that took the most time in total.
pub(crate) fn operation(prepared: &Prepared<'_>, windows: &[&Window], config: &Config) -> String {
    if let Some(operation) = &config.root_operation {
        return operation.clone();
    }
    let set = &prepared.observations.traces;
    let mut total_ns: BTreeMap<&str, u128> = BTreeMap::new();
    for request in windows.iter().flat_map(|window| prepared.requests(window)) {
        *total_ns.entry(set.text(request.operation)).or_default() +=
            u128::from(request.duration_ns);
    }
    let most = total_ns.into_iter().max_by_key(|&(_, ns)| ns);
    most.map_or_else(String::new, |(operation, _)| operation.to_owned())
}

/// Traits of the failing requests, or else of the first failing ones of each burst, with what the
/// affected are called.
fn traits_of_failing<'p>(
    prepared: &'p Prepared<'_>,
    now: &Population<'p>,
    before: &Population<'p>,
    failed: &[&'p Request],
    config: &Config,
) -> (Vec<SharedTrait>, &'static str) {
    let succeeded = |requests: &[&'p Request]| -> Vec<&'p Request> {
        requests
            .iter()
            .copied()
            .filter(|request| !request.failed)
            .collect()
    };
    let ids: BTreeSet<u128> = failed.iter().map(|request| request.trace_id).collect();
    let first = leaders(&now.all, |request| ids.contains(&request.trace_id));
    let of = |affected: &[&'p Request]| {
        let groups = Groups {
            affected,
            others: &succeeded(&now.all),
            usual: &succeeded(&before.all),
        };
        shared_traits(prepared, groups, config)
    };
    let (of_all, of_first) = (of(failed), of(&first));
    let strongest = |traits: &[SharedTrait]| traits.first().map_or(1.0, |shared| shared.p_value);
    if strongest(&of_first) < strongest(&of_all) {
        (of_first, "first failing requests of a burst")
    } else {
        (of_all, "failing requests")
    }
}

fn quiet_figures(now: &Population<'_>, before: &Population<'_>) -> Vec<Figure> {
    let mut figures = duration_figures(now, before).to_vec();
    figures.push(figure(
        "requests that fail",
        100.0 * now.error_rate(),
        100.0 * before.error_rate(),
        "%",
    ));
    figures
}

fn add_trait(bottleneck: &mut Bottleneck, traits: &[SharedTrait], affected: &str) {
    if let Some(strongest) = traits.first() {
        bottleneck
            .evidence
            .extend(trait_figures(strongest, affected, "other requests"));
    }
}

fn notes(prepared: &Prepared<'_>, now: &Population<'_>, operation: &str) -> Vec<String> {
    let mut notes = prepared.notes();
    let others = prepared.requests(&now.window).len() - now.all.len();
    if others > 0 {
        notes.push(format!(
            "{others} requests of other operations than `{operation}` are left out"
        ));
    }
    if now.timed.len() < now.all.len() {
        notes.push(format!(
            "latency is that of the {} requests that succeeded",
            now.timed.len()
        ));
    }
    notes
}
