//! One window against another.

use std::cell::LazyCell;
use std::collections::BTreeSet;

use crate::answer::operations::{Found, operation_notes, strongest, with_others};
use crate::answer::ranking::ranked;
use crate::answer::scale_up::scale_up;
use crate::answer::series::series;
use crate::answer::verdict::{Analysis, Verdict};
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::Window;
use crate::questions::case::Case;
use crate::questions::comparison::Comparison;
use crate::questions::correlated_attributes::{Groups, correlated, leaders};
use crate::questions::errors::{error_origins, errors, failures_growth};
use crate::questions::evidence::{correlation_figures, figure};
use crate::questions::findings::{Bottleneck, Figure, SharedTrait, StructureChange};
use crate::questions::given_up::given_up;
use crate::questions::latency::slowdown::{Scope, Slowdown, duration_growth, slowdown};
use crate::questions::latency::{duration_figures, slower_places};
use crate::questions::load::ServiceLoad;
use crate::questions::network_owners::NetworkOwners;
use crate::questions::outliers::{note as outlier_note, without_outliers};
use crate::questions::places::places;
use crate::questions::population::Population;
use crate::questions::root_operations::{Root, compared_roots};
use crate::questions::saturation::saturation;
use crate::questions::serial_opportunities::serial_opportunities;
use crate::questions::structure::{calls, structure_changes};
use crate::questions::throughput::throughput;
use crate::statistics::config::Config;

/// Compares the requests of `window` with those of `baseline`, those of each operation of root spans
/// by themselves. The answer about errors comes first where requests fail more often, else the one about
/// latency, else the one about throughput, else the one about calls that are no longer made. Where
/// requests of several operations changed, the answers are those of the operation that changed most. The
/// same observations give the same answer.
pub fn analyse(
    prepared: &Prepared<'_>,
    window: &Window,
    baseline: &Window,
    config: &Config,
) -> Analysis {
    let (window, outliers) = without_outliers(prepared, window);
    let (baseline, outliers_before) = without_outliers(prepared, baseline);
    let roots = compared_roots(&Comparison {
        prepared,
        window: &window,
        baseline: &baseline,
        config,
    });
    let config = for_questions(config, roots.len());
    let compared = Comparison {
        prepared,
        window: &window,
        baseline: &baseline,
        config: &config,
    };
    let ground = Ground {
        compared,
        owners: &NetworkOwners::new(&compared),
        structure: &LazyCell::new(|| structure_changes(&compared)),
    };
    let found = match roots.is_empty() {
        true => vec![of_root(&ground, None)],
        false => roots
            .iter()
            .map(|&root| of_root(&ground, Some(root)))
            .collect(),
    };
    let (chosen, others) = strongest(found);
    let mut notes = prepared.notes();
    notes.extend(outlier_note("window", &window, outliers));
    notes.extend(outlier_note("baseline", &baseline, outliers_before));
    notes.extend(operation_notes(prepared, &window, &chosen, &others));
    let (instances, load) = saturation(&compared);
    let mut analysis = chosen.analysis;
    notes.append(&mut analysis.notes);
    let mut analysis = Analysis {
        ranked: with_others(analysis.ranked, &others),
        serial_calls: serial_opportunities(prepared, &window, &config),
        given_up: given_up(prepared, &window),
        saturation: instances,
        load,
        notes,
        ..analysis
    };
    let share = prepared.observations.traces.trace_share();
    scale_up(&mut analysis, share);
    analysis
}

/// What the comparison of every operation rests on.
struct Ground<'g, 'p, F> {
    compared: Comparison<'p>,
    owners: &'g NetworkOwners,
    structure: &'g LazyCell<Vec<StructureChange>, F>,
}

/// Thresholds for so many operations: where the same is asked of each, a wrong alarm must be rarer.
fn for_questions(config: &Config, operations: usize) -> Config {
    let questions = operations.max(1);
    Config {
        noise_tail: config.noise_tail / questions as f64,
        resamples: config.resamples * questions,
        ..config.clone()
    }
}

/// The comparison of the requests of one operation; of none where there are no requests.
fn of_root<'p, F: FnOnce() -> Vec<StructureChange>>(
    ground: &Ground<'_, 'p, F>,
    root: Option<Root>,
) -> Found {
    let compared = ground.compared;
    let Comparison {
        prepared, config, ..
    } = compared;
    let (now, before) = Population::pair(&compared, root);
    let places = places(prepared, &now, &before, ground.owners);
    let mut analysis = Analysis {
        operation: root.map(|root| root.named(prepared)),
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
        serial_calls: Vec::new(),
        given_up: Vec::new(),
        attribution: places
            .iter()
            .map(|place| place.attribution(&prepared.instances))
            .collect(),
        error_origins: error_origins(prepared, &now, config),
        shared_traits: Vec::new(),
        saturation: Vec::new(),
        load: ServiceLoad::default(),
        series: None,
        notes: success_note(&now).into_iter().collect(),
    };
    let mut strength = 0.0;
    if let Some(reason) = too_few(&now, &before, config) {
        analysis.verdict = Verdict::NotEnoughData { reason };
    } else {
        let case = Case {
            compared,
            now: &now,
            before: &before,
            owners: ground.owners,
            places: &places,
        };
        analysis.structure.clone_from(ground.structure);
        answer(&case, &mut analysis);
        let named = analysis.verdict.bottleneck();
        analysis.series = named.and_then(|named| series(&case, named));
        strength = change(&case, &analysis);
    }
    Found {
        root,
        analysis,
        strength,
    }
}

/// How much worse requests became, in thresholds; 0 where nothing changed beyond noise.
fn change(case: &Case<'_, '_>, analysis: &Analysis) -> f64 {
    let failing = failures_growth(case);
    let slower = duration_growth(case);
    let of = |answer: &Option<Bottleneck>, growth: f64| {
        // The requests that some service takes part in may be slower where the whole is not.
        answer.as_ref().map_or(0.0, |_| growth.max(1.0))
    };
    of(&analysis.errors, failing).max(of(&analysis.latency, slower))
}

fn too_few(now: &Population<'_>, before: &Population<'_>, config: &Config) -> Option<String> {
    let populations = [(now, "window"), (before, "baseline")];
    let mut few = populations
        .into_iter()
        .filter(|(population, _)| population.all.len() < config.requests_min);
    few.next().map(|(population, name)| {
        let (requests, needed) = (population.all.len(), config.requests_min);
        let unit = if requests == 1 { "request" } else { "requests" };
        format!("the {name} has {requests} {unit}, and {needed} are needed")
    })
}

/// Answers every question, and makes the verdict of the first that has an answer.
fn answer(case: &Case<'_, '_>, analysis: &mut Analysis) {
    let slowdown = slowdown(case);
    let slower = slower_places(case, slowdown.scope());
    let mut failing = errors(case);
    if let Some(first) = failing.first_mut() {
        let (correlated, affected) = correlated_with_failing(case, &first.requests);
        add_correlated(&mut first.bottleneck, &correlated, affected);
        analysis.shared_traits = correlated;
    }
    let failing: Vec<Bottleneck> = failing.into_iter().map(|one| one.bottleneck).collect();
    let mut latency = match slowdown {
        Slowdown::Nothing => None,
        Slowdown::Whole(_) | Slowdown::Few => slower.first().cloned(),
    };
    if let (Some(bottleneck), true) = (&mut latency, failing.is_empty()) {
        analysis.shared_traits = correlated_with_slow(case);
        add_correlated(bottleneck, &analysis.shared_traits, "slow requests");
    }
    analysis.errors = failing.first().cloned();
    analysis.throughput = throughput(case, failing.first(), latency.as_ref());
    let no_longer_calling = calls(&analysis.structure);
    let slower = match &latency {
        Some(first) => [std::slice::from_ref(first), &slower[1..]].concat(),
        None => slower,
    };
    // What the slow tail owes to one place hides what all requests owe to another.
    let besides = match slowdown {
        Slowdown::Whole(Scope::Tail) => slower_places(case, Scope::All),
        Slowdown::Whole(Scope::All) | Slowdown::Few | Slowdown::Nothing => Vec::new(),
    };
    let slower = [slower, besides].concat();
    // A few requests that are slower may be what is left of those that gave up half way.
    analysis.ranked = match slowdown {
        Slowdown::Whole(_) => ranked(&[&failing, &slower, &no_longer_calling]),
        Slowdown::Few | Slowdown::Nothing => ranked(&[&failing, &no_longer_calling, &slower]),
    };
    analysis.latency = latency;
    let is_answered =
        analysis.latency.is_some() || !failing.is_empty() || !no_longer_calling.is_empty();
    if let (true, Some(first)) = (is_answered, analysis.ranked.first()) {
        analysis.verdict = Verdict::Bottleneck(first.clone());
    }
}

/// What slow requests have in common.
fn correlated_with_slow(case: &Case<'_, '_>) -> Vec<SharedTrait> {
    let now = case.now;
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
    correlated(case.compared.prepared, groups, case.compared.config)
}

/// Traits of the failing requests, or else of the first failing ones of each burst, with what the
/// affected are called.
fn correlated_with_failing<'p>(
    case: &Case<'_, 'p>,
    failed: &[&'p Request],
) -> (Vec<SharedTrait>, &'static str) {
    let Case {
        compared: Comparison {
            prepared, config, ..
        },
        now,
        before,
        ..
    } = *case;
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
        correlated(prepared, groups, config)
    };
    let (of_all, of_first) = (of(failed), of(&first));
    let strongest =
        |correlated: &[SharedTrait]| correlated.first().map_or(1.0, |shared| shared.p_value);
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

fn add_correlated(bottleneck: &mut Bottleneck, correlated: &[SharedTrait], affected: &str) {
    if let Some(strongest) = correlated.first() {
        bottleneck
            .evidence
            .extend(correlation_figures(strongest, affected, "other requests"));
    }
}

fn success_note(now: &Population<'_>) -> Option<String> {
    let succeeded = now.timed.len();
    (succeeded < now.all.len()).then(|| match succeeded {
        1 => "latency is that of the 1 request that succeeded".to_owned(),
        more => format!("latency is that of the {more} requests that succeeded"),
    })
}
