//! From the number of a case to the case: candidates are run until one is what it is meant to be.

use std::collections::BTreeMap;
use std::path::Path;

use ragdoll_deploy::{RunError, VirtualOutcomes, outcomes_virtual, record_virtual};
use ragdoll_score::{CaseFolder, Moved, Truth};

use crate::error::DatasetError;
use crate::parts::Parts;
use crate::plan::{CasePlan, Class};
use crate::truth::{case_name, truth};
use crate::validate::{ADDED, Blocks, CLEAR, HINT, Stretch, moved};
use crate::write::write_case;

/// Candidates of a case at most.
const CANDIDATES_MAX: u64 = 20;

/// Why a candidate was left out, in words that stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    NoSystem,
    NeverFired,
    NotFelt,
    MovedWithout,
    NotFeltAmongOthers,
    Unhealthy,
    DecoyFelt,
    NoCandidate,
}

impl Reason {
    const fn words(self) -> &'static str {
        match self {
            Reason::NoSystem => "no system that was drawn can have these kinds of fault",
            Reason::NeverFired => "a fault or decoy never fired",
            Reason::NotFelt => "no indicator moved with the faults",
            Reason::MovedWithout => "an indicator moves without the faults too",
            Reason::NotFeltAmongOthers => "one of several faults moves no indicator of its own",
            Reason::Unhealthy => "an indicator moved in a healthy system",
            Reason::DecoyFelt => "an indicator moved with decoys alone",
            Reason::NoCandidate => "a case was given up: none of its candidates is valid",
        }
    }
}

/// What became of a case.
#[derive(Debug, Default)]
pub(crate) struct Made {
    /// The case, where one of its candidates is valid.
    pub(crate) truth: Option<Truth>,
    /// Candidates that were left out, by reason.
    pub(crate) discarded: BTreeMap<String, u64>,
}

/// Makes the case of this number and writes it into the data set at `out`.
pub(crate) fn make(seed: u64, number: u64, out: &Path) -> Result<Made, DatasetError> {
    let mut made = Made::default();
    let mut leave_out = |reason: Reason| {
        let words = reason.words().to_owned();
        *made.discarded.entry(words).or_default() += 1;
    };
    for candidate in 0..CANDIDATES_MAX {
        let Some(plan) = CasePlan::new(seed, number, candidate) else {
            leave_out(Reason::NoSystem);
            continue;
        };
        match try_candidate(&plan)? {
            Ok((truth, parts)) => {
                let folder = CaseFolder::in_dataset(out, &case_name(number));
                write_case(&folder, &truth, &parts)?;
                made.truth = Some(truth);
                return Ok(made);
            }
            Err(reason) => leave_out(reason),
        }
    }
    leave_out(Reason::NoCandidate);
    Ok(made)
}

fn failed(plan: &CasePlan) -> impl Fn(RunError) -> DatasetError {
    let (case, candidate) = (plan.number, plan.candidate);
    move |source| DatasetError::Run {
        case,
        candidate,
        source: Box::new(source),
    }
}

/// Runs a candidate, with and without its faults; what it comes to, or why it is no case.
fn try_candidate(plan: &CasePlan) -> Result<Result<(Truth, Parts), Reason>, DatasetError> {
    let recording = record_virtual(&plan.experiment).map_err(failed(plan))?;
    let outcomes = recording.outcomes.clone();
    let moved = match judge(plan, &outcomes)? {
        Ok(moved) => moved,
        Err(reason) => return Ok(Err(reason)),
    };
    let before = Stretch::new(plan.before(), &outcomes.requests);
    let during = Stretch::new(plan.during(), &outcomes.requests);
    let truth = truth(plan, &moved, (&before, &during), outcomes.epoch_unix_us);
    let observations = recording.observations();
    let observations = observations.map_err(|source| DatasetError::Telemetry {
        case: plan.number,
        source,
    })?;
    let parts = Parts::new(&observations, truth.before, truth.during);
    Ok(Ok((truth, parts)))
}

/// What each fault of a candidate moved, or why it is no case.
fn judge(
    plan: &CasePlan,
    outcomes: &VirtualOutcomes,
) -> Result<Result<Vec<Vec<Moved>>, Reason>, DatasetError> {
    if !all_fired(plan, outcomes) {
        return Ok(Err(Reason::NeverFired));
    }
    let Class::Faults(count) = plan.class else {
        let reason = match plan.class {
            Class::Decoys => Reason::DecoyFelt,
            _ => Reason::Unhealthy,
        };
        return Ok(if is_calm(plan, outcomes) {
            Ok(Vec::new())
        } else {
            Err(reason)
        });
    };
    let before = Stretch::new(plan.before(), &outcomes.requests);
    let during = Stretch::new(plan.during(), &outcomes.requests);
    let together = moved(&before, &during, Blocks::Apart, &CLEAR);
    if together.is_empty() {
        return Ok(Err(Reason::NotFelt));
    }
    // What fails most often comes first, since each of these is a run.
    let mut each = Vec::with_capacity(count);
    for fault in 0..count {
        if count == 1 {
            each.push(together.clone());
            break;
        }
        let others = outcomes_virtual(&plan.without([fault])).map_err(failed(plan))?;
        let spared = Stretch::new(plan.during(), &others.requests);
        let own = moved(&spared, &during, Blocks::Paired, &ADDED);
        if own.is_empty() {
            return Ok(Err(Reason::NotFeltAmongOthers));
        }
        each.push(own);
    }
    let without = outcomes_virtual(&plan.without(0..count)).map_err(failed(plan))?;
    if !is_calm(plan, &without) {
        return Ok(Err(Reason::MovedWithout));
    }
    Ok(Ok(each))
}

/// Whether no indicator of the second phase hints at a change.
fn is_calm(plan: &CasePlan, outcomes: &VirtualOutcomes) -> bool {
    let before = Stretch::new(plan.before(), &outcomes.requests);
    let during = Stretch::new(plan.during(), &outcomes.requests);
    moved(&before, &during, Blocks::Apart, &HINT).is_empty()
}

/// Whether all that is done to the system in the second phase was really done.
fn all_fired(plan: &CasePlan, outcomes: &VirtualOutcomes) -> bool {
    let noise = plan.before().faults.len();
    let entries = outcomes.journal.faults.iter();
    let mut own = entries.filter(|entry| entry.phase == plan.during().name && entry.index >= noise);
    own.all(|entry| entry.firings > 0)
}
