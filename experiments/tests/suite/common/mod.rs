//! Runs experiments with many seeds on every core.

use std::path::{Path, PathBuf};

use ragdoll_deploy::{RunOptions, cores, run, side_by_side};
use ragdoll_experiment::{Experiment, Outcome, RunRecord};
use ragdoll_fault_layers::Faults;

/// How many seeds each experiment is run with besides its own, where the environment does not say so
/// in [`SEEDS_VARIABLE`]. A run that goes wrong with one seed in three is missed with a chance of 9 %
/// by these, and of 0.02 % by the 20 of `.ci/all`.
const USUAL_SEEDS: u64 = 3;
/// The environment's word for their number.
const SEEDS_VARIABLE: &str = "RAGDOLL_SEEDS";
/// The first of them.
const FIRST_SEED: u64 = 1_000;

/// Seeds that each experiment is run with besides its own.
pub(crate) fn seeds() -> std::ops::Range<u64> {
    FIRST_SEED..FIRST_SEED + number(SEEDS_VARIABLE).unwrap_or(USUAL_SEEDS)
}

/// A number that the environment may give.
pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable} is `{text}`: use a whole number")))
}

/// Where the experiment of this name lies, such as `healthy` or `faults/crash`.
pub(crate) fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.toml"))
}

pub(crate) fn load(name: &str) -> Experiment {
    Experiment::load(&file(name), &Faults).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Does `work` for each of `items`, on every core. What comes out has the order of the items.
pub(crate) fn on_every_core<I: Sync, T: Send>(
    items: &[I],
    work: impl Fn(&I) -> T + Sync,
) -> Vec<T> {
    side_by_side(cores(), items, work)
}

/// Runs an experiment with one seed.
pub(crate) fn run_with(experiment: &Experiment, seed: u64) -> RunRecord {
    let mut experiment = experiment.clone();
    experiment.seed = seed;
    let record = run(&experiment, &RunOptions::default());
    record.unwrap_or_else(|error| panic!("{}, seed {seed}: {error}", experiment.file.display()))
}

/// Runs an experiment with its own seed and with all of [`seeds`].
pub(crate) fn run_seeds(experiment: &Experiment) -> Vec<RunRecord> {
    let seeds: Vec<u64> = std::iter::once(experiment.seed).chain(seeds()).collect();
    on_every_core(&seeds, |&seed| run_with(experiment, seed))
}

/// What a person would want to read of a run that did not end as expected.
pub(crate) fn account(record: &RunRecord) -> String {
    let mut lines = vec![format!(
        "{}, seed {}: {:?}",
        record.file, record.seed, record.outcome
    )];
    for expectation in &record.expectations {
        let held = if expectation.held { "held" } else { "NOT HELD" };
        lines.push(format!(
            "  {held}: {} ({})",
            expectation.text, expectation.found
        ));
    }
    lines.join("\n")
}

pub(crate) fn assert_passed(records: &[RunRecord]) {
    let unexpected: Vec<String> = records
        .iter()
        .filter(|record| record.outcome != Outcome::Passed)
        .map(account)
        .collect();
    let count = unexpected.len();
    assert!(
        count == 0,
        "{count} of {} runs:\n{}",
        records.len(),
        unexpected.join("\n")
    );
}
