//! One window against another.

use std::collections::{BTreeMap, BTreeSet};

use crate::basis::{Basis, Moved, moved};
use crate::comparison::Comparison;
use crate::config::{Config, Window};
use crate::errors::{error_origins, errors};
use crate::evidence::{figure, trait_figures};
use crate::given_up::given_up;
use crate::latency::{duration_figures, slower_places};
use crate::population::{Population, places};
use crate::prepared::{Prepared, Request};
use crate::ranking::ranked;
use crate::saturation::saturation;
use crate::serial::serial_opportunities;
use crate::sides::Sides;
use crate::structure::{calls, holes};
use crate::throughput::throughput;
use crate::traits::{Groups, leaders, shared_traits};
use crate::verdict::{Analysis, Bottleneck, Figure, SharedTrait, Verdict};

/// Compares the requests of `window` with those of `baseline`. The answer about errors comes
/// first where requests fail more often, else the one about latency, else the one about throughput,
/// else the one about calls that are no longer made. The same observations give the same answer.
pub fn analyse(
    prepared: &Prepared<'_>,
    window: &Window,
    baseline: &Window,
    config: &Config,
) -> Analysis {
    let operation = operation(prepared, &[window, baseline], config);
    let now = Population::new(prepared, window, &operation, config);
    let before = Population::new(prepared, baseline, &operation, config);
    let sides = Sides::new(prepared, window, baseline, config);
    let places = places(prepared, &now, &before, &sides);
    let mut analysis = Analysis {
        traces: now.all.len() as u64,
        baseline_traces: before.all.len() as u64,
        verdict: Verdict::NoBottleneck {
            evidence: quiet_figures(&now, &before),
        },
        latency: None,
        errors: None,
        throughput: None,
        ranked: Vec::new(),
        structure: Vec::new(),
        serial_calls: serial_opportunities(prepared, window, config),
        given_up: given_up(prepared, window),
        attribution: places
            .iter()
            .map(|place| place.attribution(&prepared.parties))
            .collect(),
        error_origins: error_origins(prepared, &now, config),
        shared_traits: Vec::new(),
        saturation: saturation(prepared, window),
        notes: notes(prepared, &now, &operation),
    };
    if let Some(reason) = too_few(&now, &before, config) {
        analysis.verdict = Verdict::NotEnoughData { reason };
        return analysis;
    }
    let compared = Comparison {
        prepared,
        now: &now,
        before: &before,
        sides: &sides,
        places: &places,
        config,
    };
    answer(&compared, &mut analysis);
    analysis
}

fn too_few(now: &Population<'_>, before: &Population<'_>, config: &Config) -> Option<String> {
    let populations = [(now, "window"), (before, "baseline")];
    let mut few = populations
        .into_iter()
        .filter(|(population, _)| population.all.len() < config.requests_min);
    few.next().map(|(population, name)| {
        format!(
            "the {name} has {} requests, and {} are needed",
            population.all.len(),
            config.requests_min
        )
    })
}

/// Answers every question, and makes the verdict of the first that has an answer.
fn answer(compared: &Comparison<'_, '_>, analysis: &mut Analysis) {
    let moved = moved(compared);
    let slower = slower_places(compared, moved.basis());
    let mut failing = errors(compared);
    if let Some(first) = failing.first_mut() {
        let (traits, affected) = traits_of_failing(compared, &first.requests);
        add_trait(&mut first.bottleneck, &traits, affected);
        analysis.shared_traits = traits;
    }
    let failing: Vec<Bottleneck> = failing.into_iter().map(|one| one.bottleneck).collect();
    let mut latency = match moved {
        Moved::Nothing => None,
        Moved::Whole(_) | Moved::Few => slower.first().cloned(),
    };
    if let (Some(bottleneck), true) = (&mut latency, failing.is_empty()) {
        analysis.shared_traits = traits_of_slow(compared);
        add_trait(bottleneck, &analysis.shared_traits, "slow requests");
    }
    analysis.errors = failing.first().cloned();
    analysis.throughput = throughput(compared, failing.first(), latency.as_ref());
    analysis.structure = holes(
        compared.prepared,
        &compared.now.window,
        &compared.before.window,
    );
    let no_longer_calling = calls(&analysis.structure);
    let slower = match &latency {
        Some(first) => [std::slice::from_ref(first), &slower[1..]].concat(),
        None => slower,
    };
    // What the slow tail owes to one place hides what all requests owe to another.
    let besides = match moved {
        Moved::Whole(Basis::Tail) => slower_places(compared, Basis::All),
        Moved::Whole(Basis::All) | Moved::Few | Moved::Nothing => Vec::new(),
    };
    let slower = [slower, besides].concat();
    // A few requests that are slower may be what is left of those that gave up half way.
    analysis.ranked = match moved {
        Moved::Whole(_) => ranked(&[&failing, &slower, &no_longer_calling]),
        Moved::Few | Moved::Nothing => ranked(&[&failing, &no_longer_calling, &slower]),
    };
    analysis.latency = latency;
    let is_answered =
        analysis.latency.is_some() || !failing.is_empty() || !no_longer_calling.is_empty();
    if let (true, Some(first)) = (is_answered, analysis.ranked.first()) {
        analysis.verdict = Verdict::Bottleneck(first.clone());
    }
}

/// What slow requests have in common.
fn traits_of_slow(compared: &Comparison<'_, '_>) -> Vec<SharedTrait> {
    let now = compared.now;
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
    shared_traits(compared.prepared, groups, compared.config)
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
    compared: &Comparison<'_, 'p>,
    failed: &[&'p Request],
) -> (Vec<SharedTrait>, &'static str) {
    let Comparison {
        prepared,
        now,
        before,
        config,
        ..
    } = *compared;
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
