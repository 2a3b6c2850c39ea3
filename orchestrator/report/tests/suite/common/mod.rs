//! Records of real runs, which `records/make` makes again.

pub(crate) mod analysis;
pub(crate) mod markup;

use ragdoll_experiment::{Finding, Outcome, RunRecord};

fn read(text: &str) -> RunRecord {
    serde_json::from_str(text).expect("a record of a run")
}

/// A run in which the metadata store's lock is the limit, also when there are more users.
pub(crate) fn lock_bottleneck() -> RunRecord {
    RunRecord {
        counterfactual: None,
        ..replayed()
    }
}

/// The same run, replayed without each of its two faults.
pub(crate) fn replayed() -> RunRecord {
    read(include_str!("../../records/replayed.json"))
}

/// A replayed run whose bottleneck is there without its fault too: no experiment here has one.
pub(crate) fn refuted() -> RunRecord {
    let mut record = replayed();
    record.outcome = Outcome::Failed;
    let replayed = record.counterfactual.as_mut().expect("it was replayed");
    replayed.faults.truncate(1);
    let fault = &mut replayed.faults[0];
    fault.without.clone_from(&fault.with);
    fault.finding = Finding::Remains;
    record
}

/// A run of which something was expected that did not happen.
pub(crate) fn failed() -> RunRecord {
    read(include_str!("../../records/failed.json"))
}

/// A run that was too short to tell.
pub(crate) fn inconclusive() -> RunRecord {
    read(include_str!("../../records/inconclusive.json"))
}

/// A healthy run.
pub(crate) fn healthy() -> RunRecord {
    read(include_str!("../../records/healthy.json"))
}

/// A run in which large documents kill the reranker.
pub(crate) fn errors_with_traits() -> RunRecord {
    read(include_str!("../../records/errors.json"))
}
