//! What helps against faults: pairs of experiments, without a mitigation and with it, and how much it
//! helps.

use crate::common::{assert_passed, load, on_every_core, run_seeds, run_with, seeds};
use ragdoll_experiment::RunRecord;

/// Seeds that each pair is run with at most, besides the file's own: how much a mitigation helps varies more
/// than whether there is a bottleneck.
const PAIR_SEEDS: usize = 5;

/// A figure of the phase of this name.
fn stats<'a>(record: &'a RunRecord, phase: &str) -> &'a ragdoll_experiment::PhaseStats {
    let found = record.phases.iter().find(|found| found.name == phase);
    &found.unwrap_or_else(|| panic!("no phase {phase}")).stats
}

/// Runs both of a pair with the same seeds; each must pass, and `helps` must hold of every two. It gets
/// the phase's figures without the mitigation and with it.
fn assert_helps(
    name: &str,
    phase: &str,
    helps: impl Fn(&ragdoll_experiment::PhaseStats, &ragdoll_experiment::PhaseStats) -> bool,
) {
    let [without, with] = ["without", "with"].map(|end| load(&format!("mitigations/{name}_{end}")));
    let phases = |experiment: &ragdoll_experiment::Experiment| {
        let phases = experiment.phases.iter();
        let kept: Vec<_> = phases
            .map(|phase| {
                let mut faults = phase.faults.clone();
                faults.iter_mut().for_each(|fault| fault.decoy = false);
                (phase.name.clone(), phase.duration_s, faults)
            })
            .collect();
        kept
    };
    assert_eq!(phases(&without), phases(&with), "the incident is the same");
    assert_eq!(without.workload, with.workload, "so is the load");
    let seeds: Vec<u64> = std::iter::once(without.seed)
        .chain(seeds().take(PAIR_SEEDS))
        .collect();
    let pairs = on_every_core(&seeds, |&seed| {
        [run_with(&without, seed), run_with(&with, seed)]
    });
    for [without, with] in &pairs {
        let (before, after) = (stats(without, phase), stats(with, phase));
        assert!(
            helps(before, after),
            "{name}, seed {}: {before:?}, then {after:?}",
            without.seed
        );
    }
    assert_passed(&pairs.into_iter().flatten().collect::<Vec<_>>());
}

#[test]
fn retries() {
    assert_helps("retries", "killed", |without, with| {
        without.error_rate > 10.0 * with.error_rate
    });
}

#[test]
fn timeout() {
    assert_helps("timeout", "hung", |without, with| {
        without.error_rate > 2.0 * with.error_rate
    });
}

#[test]
fn hedge() {
    assert_helps("hedge", "stalls", |without, with| {
        with.p99_ms < without.p99_ms / 2.0
    });
}

#[test]
fn circuit_breaker() {
    assert_helps("circuit_breaker", "hung", |without, with| {
        with.p50_ms < without.p50_ms / 4.0
    });
}

#[test]
fn bulkhead() {
    assert_helps("bulkhead", "new_model", |without, with| {
        with.throughput_per_s > 2.0 * without.throughput_per_s
    });
}

#[test]
fn load_shedding() {
    assert_helps("load_shedding", "overload", |without, with| {
        with.throughput_per_s > 2.0 * without.throughput_per_s
    });
}

#[test]
fn coalescing() {
    assert_helps("coalescing", "contended", |without, with| {
        with.p50_ms < without.p50_ms / 4.0 && with.p99_ms < without.p99_ms / 4.0
    });
}

#[test]
fn cache() {
    assert_helps("cache", "contended", |without, with| {
        with.p50_ms < without.p50_ms / 4.0 && with.p99_ms < without.p99_ms / 2.0
    });
}

#[test]
fn a_storm_of_retries_outlives_its_trigger_and_a_budget_ends_it() {
    let storm = load("metastable_retry_storm");
    let budgeted = load("metastable_retry_storm_with_budget");
    let mut same_but_for_the_budget = budgeted.topology.clone();
    same_but_for_the_budget.gateway.reranker_call.retry_budget = 0.0;
    assert_eq!(storm.topology, same_but_for_the_budget);
    assert!(storm.phases.last().expect("a phase").duration_s >= 120.0);
    assert_passed(&run_seeds(&storm));
    assert_passed(&run_seeds(&budgeted));
}
