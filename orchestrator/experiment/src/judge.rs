//! From an experiment and its measurements to the record of the run.

use std::collections::{BTreeMap, BTreeSet};

use crate::expectation::judge_expectation;
use crate::experiment::{Expected, Experiment, Phase};
use crate::formula::{Figures, Formula, PhaseFigures, identifier};
use crate::indicator::IndicatorChange;
use crate::indicators::{REQUESTS_MIN, changes};
use crate::measurements::Measurements;
use crate::record::{FaultWitness, Outcome, PhaseRecord, PhaseStats, RunRecord};
use crate::stats::{Requests, phase_stats, timeline, utilization};
use crate::stretch::Stretch;
use crate::wording::{describe_fault, figure};

/// Measures the phases, judges the expectations, and asks whether the run was honest: whether
/// every fault fired and was felt, and whether there were requests enough to tell.
///
/// A run that was not is inconclusive, whatever its expectations say.
pub fn judge(experiment: &Experiment, measurements: Measurements) -> RunRecord {
    let requests = Requests::new(&measurements.requests);
    let phases: Vec<PhaseRecord> = experiment
        .phases
        .iter()
        .map(|phase| phase_record(experiment, phase, &requests, &measurements))
        .collect();
    let figures = phases
        .iter()
        .map(|phase| (phase.name.clone(), phase_figures(phase)));
    let figures: Figures = figures.collect();
    let mut expectations = Vec::new();
    let mut undecided = Vec::new();
    for expectation in &experiment.expectations {
        let (outcome, reason) = judge_expectation(expectation, &measurements, &figures);
        expectations.push(outcome);
        undecided.extend(reason);
    }
    let faults = witnesses(experiment, &requests, &measurements);
    let machine = measurements.machine;
    let mut reasons = machine.map_or_else(Vec::new, |machine| machine.was_bottleneck());
    reasons.extend(scarce(experiment, &phases));
    reasons.extend(silent(&faults));
    reasons.extend(unfelt(experiment, &faults));
    reasons.extend(undecided.into_iter().filter(|reason| !reason.is_empty()));
    let outcome = if !reasons.is_empty() {
        Outcome::Inconclusive { reasons }
    } else if expectations.iter().all(|expectation| expectation.held) {
        Outcome::Passed
    } else {
        Outcome::Failed
    };
    let in_phases = |phase: &str, against: &str| {
        let record = phases.iter().find(|record| record.name == phase);
        record.is_some_and(|record| record.against.as_deref() == Some(against))
    };
    let comparisons = measurements.comparisons.iter();
    let comparisons = comparisons.filter(|pair| !in_phases(&pair.phase, &pair.against));
    RunRecord {
        version: measurements.version.clone(),
        file: experiment.file.display().to_string(),
        title: experiment.title.clone(),
        description: experiment.description.clone(),
        seed: experiment.seed,
        ground: measurements.ground.clone(),
        outcome,
        expectations,
        comparisons: comparisons.cloned().collect(),
        phases,
        faults,
        exemplars: measurements.exemplars,
        files: measurements.files,
        spec: experiment.clone(),
        wall: measurements.wall,
        machine: measurements.machine,
        counterfactual: None,
    }
}

fn phase_record(
    experiment: &Experiment,
    phase: &Phase,
    requests: &Requests<'_>,
    measurements: &Measurements,
) -> PhaseRecord {
    let baseline = experiment.baseline();
    let against = (!phase.baseline).then(|| baseline.name.clone());
    let analysis = against
        .as_ref()
        .and_then(|against| measurements.analysis(&phase.name, against));
    let indicators = match against {
        Some(_) => {
            let counted = Stretch::counted(phase);
            changes(phase, &counted, baseline, requests, experiment.seed)
        }
        None => Vec::new(),
    };
    PhaseRecord {
        name: phase.name.clone(),
        start_s: phase.start_s,
        duration_s: phase.duration_s,
        settle_s: phase.settle_s,
        baseline: phase.baseline,
        faults: phase.faults.iter().map(describe_fault).collect(),
        stats: phase_stats(phase, requests),
        utilization: utilization(phase, &measurements.utilization),
        share: shares(phase, measurements),
        timeline: timeline(phase, requests),
        indicators,
        analysis: analysis.cloned(),
        against,
    }
}

/// Share of each service in the mean critical path, from the measurements or, where these leave
/// it out, from a comparison that the phase takes part in.
fn shares(phase: &Phase, measurements: &Measurements) -> BTreeMap<String, f64> {
    if let Some(given) = measurements.shares.get(&phase.name) {
        return given.clone();
    }
    let mut times: BTreeMap<String, f64> = BTreeMap::new();
    let name = &phase.name;
    let judged = measurements
        .comparisons
        .iter()
        .find(|pair| pair.phase == *name);
    let compared = measurements
        .comparisons
        .iter()
        .find(|pair| pair.against == *name);
    let parts = judged
        .or(compared)
        .into_iter()
        .flat_map(|pair| &pair.analysis.attribution);
    for part in parts {
        let ms = if judged.is_some() {
            part.mean_ms
        } else {
            part.baseline_mean_ms
        };
        *times.entry(part.service.clone()).or_default() += ms;
    }
    let total: f64 = times.values().sum();
    if total > 0.0 {
        times.values_mut().for_each(|time| *time /= total);
    }
    times
}

/// The figures that expressions use.
fn phase_figures(phase: &PhaseRecord) -> PhaseFigures {
    let PhaseStats {
        requests,
        offered_per_s,
        throughput_per_s,
        error_rate,
        mean_ms,
        p50_ms,
        p95_ms,
        p99_ms,
        recall,
        precision,
        ..
    } = phase.stats;
    let measured = (requests > 0).then_some(());
    let numbers = [
        ("requests", Some(requests as f64)),
        ("offered_per_s", Some(offered_per_s)),
        ("throughput_per_s", Some(throughput_per_s)),
        ("error_rate", measured.map(|()| error_rate)),
        ("mean_ms", measured.map(|()| mean_ms)),
        ("p50_ms", measured.map(|()| p50_ms)),
        ("p95_ms", measured.map(|()| p95_ms)),
        ("p99_ms", measured.map(|()| p99_ms)),
        ("recall", recall),
        ("precision", precision),
        ("duration_s", Some(phase.duration_s - phase.settle_s)),
    ];
    let by_identifier = |map: &BTreeMap<String, f64>| {
        let entries = map.iter();
        entries
            .map(|(service, value)| (identifier(service), *value))
            .collect()
    };
    PhaseFigures {
        numbers: numbers
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect(),
        maps: BTreeMap::from([
            ("utilization", by_identifier(&phase.utilization)),
            ("share", by_identifier(&phase.share)),
        ]),
    }
}

fn witnesses(
    experiment: &Experiment,
    requests: &Requests<'_>,
    measurements: &Measurements,
) -> Vec<FaultWitness> {
    let mut witnesses = Vec::new();
    for phase in &experiment.phases {
        for (index, fault) in phase.faults.iter().enumerate() {
            let entries = measurements.journal.faults.iter();
            let mut entries = entries.filter(|entry| entry.phase == phase.name);
            let entry = entries.find(|entry| entry.index == index);
            let in_force = Stretch::in_force(fault, phase);
            let judged = judged_over(&in_force, phase, requests);
            let indicators = if phase.baseline {
                Vec::new()
            } else {
                let (baseline, seed) = (experiment.baseline(), experiment.seed);
                changes(phase, &judged, baseline, requests, seed)
            };
            witnesses.push(FaultWitness {
                phase: phase.name.clone(),
                index,
                kind: fault.kind.clone(),
                target: fault.target.to_string(),
                probability: fault.probability,
                opportunities: entry.map_or(0, |entry| entry.opportunities),
                firings: entry.map_or(0, |entry| entry.firings),
                injected_ms: entry.map_or(0.0, |entry| entry.injected_ms),
                requests_touched: entry.map_or(0, |entry| entry.requests_touched),
                in_force_s: in_force.length_s(),
                judged_s: judged.length_s(),
                indicators,
            });
        }
    }
    witnesses
}

/// The time over which a fault is judged: that in which it is in force, so that a short one is not
/// thinned out by the rest of its phase. Where too few requests were due then to tell anything, all
/// of the phase.
pub(crate) fn judged_over(in_force: &Stretch, phase: &Phase, requests: &Requests<'_>) -> Stretch {
    if in_force.due(requests).len() as u64 >= REQUESTS_MIN {
        in_force.clone()
    } else {
        Stretch::counted(phase)
    }
}

/// Phases that an expectation needs, or that have a fault, and that had too few requests.
fn scarce(experiment: &Experiment, phases: &[PhaseRecord]) -> Vec<String> {
    let mut needed: BTreeSet<String> = BTreeSet::new();
    for expectation in &experiment.expectations {
        if let Some((phase, against)) = expectation.expected.comparison() {
            needed.extend([phase.to_owned(), against.to_owned()]);
        }
        if let Expected::Holds { expression } = &expectation.expected
            && let Ok(formula) = Formula::compile(expression)
        {
            needed.extend(formula.phases());
        }
    }
    let with_faults = experiment
        .phases
        .iter()
        .filter(|phase| !phase.faults.is_empty());
    needed.extend(with_faults.map(|phase| phase.name.clone()));
    let scarce = phases
        .iter()
        .filter(|phase| needed.contains(&phase.name) && phase.stats.requests < REQUESTS_MIN);
    scarce
        .map(|phase| {
            format!(
                "phase `{}` had {} requests; it takes {REQUESTS_MIN} to tell anything: make it \
                 longer or raise the load",
                phase.name, phase.stats.requests
            )
        })
        .collect()
}

/// Faults that were to fire and never did.
fn silent(faults: &[FaultWitness]) -> Vec<String> {
    let silent = faults
        .iter()
        .filter(|fault| fault.probability > 0.0 && fault.firings == 0);
    silent
        .map(|fault| {
            format!(
                "the fault `{}` on {} in phase `{}` never fired: {} opportunities at probability {}",
                fault.kind, fault.target, fault.phase, fault.opportunities, fault.probability
            )
        })
        .collect()
}

/// Faults that fired and that nobody could tell from the baseline. Decoys are meant not to be felt,
/// and a fault that the baseline has too cannot be told from it.
fn unfelt(experiment: &Experiment, faults: &[FaultWitness]) -> Vec<String> {
    let baseline = experiment.baseline();
    let mut reasons = Vec::new();
    let declared = experiment
        .phases
        .iter()
        .flat_map(|phase| phase.faults.iter().map(move |fault| (phase, fault)));
    for ((phase, fault), witness) in declared.zip(faults) {
        let to_be_felt =
            !fault.decoy && fault.probability > 0.0 && !baseline.faults.contains(fault);
        let measured = !witness.indicators.is_empty();
        let felt = witness.moved().next().is_some();
        if phase.baseline || !to_be_felt || witness.firings == 0 || !measured || felt {
            continue;
        }
        let changes: Vec<String> = witness.indicators.iter().map(describe_change).collect();
        reasons.push(format!(
            "nobody could feel {} in phase `{}`{}: beside `{}` no indicator moved beyond noise ({})",
            describe_fault(fault),
            phase.name,
            describe_time(phase, witness),
            baseline.name,
            changes.join("; ")
        ));
    }
    reasons
}

/// Over which time a fault was judged, where that is not simply its phase.
fn describe_time(phase: &Phase, witness: &FaultWitness) -> String {
    let in_force = figure(witness.in_force_s);
    if witness.in_force_s + 1e-6 >= phase.counted_s() {
        String::new()
    } else if witness.judged_s > witness.in_force_s {
        format!(
            ", of which all {} s were looked at, since fewer than {REQUESTS_MIN} requests were due \
             in the {in_force} s in which it was in force",
            figure(witness.judged_s)
        )
    } else {
        format!(" in the {in_force} s in which it was in force")
    }
}

fn describe_change(change: &IndicatorChange) -> String {
    format!(
        "{} {} to {}, a difference of {} to {}",
        change.indicator.name(),
        figure(change.baseline),
        figure(change.value),
        figure(change.difference_low),
        figure(change.difference_high)
    )
}
