//! What the same run shows without a fault: whether a fault did what the verdict says.
//!
//! Each declared fault is left out in turn and the same seed run again. The bottleneck that was
//! named with the fault must then be gone. Where a phase has several faults that are meant to be
//! felt, one replay leaves out all of them: each alone may be enough to cause the bottleneck.

mod compared;
mod judging;
mod outcome;

use std::collections::BTreeMap;

use ragdoll_fault_spec::FaultSpec;

use crate::experiment::{Experiment, Phase};
use crate::indicator::IndicatorChange;
use crate::indicators::paired_changes;
use crate::judge::judged_over;
use crate::measurements::RequestOutcome;
use crate::record::RunRecord;
use crate::stats::Requests;
use crate::stretch::Stretch;

use compared::{Compared, compared};
pub use judging::judge_counterfactual;
pub use outcome::{Counterfactual, Finding, Named, VerdictChange, WithoutAll, WithoutFault};

/// A fault by its place in the experiment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultPlace {
    /// Name of the phase.
    pub phase: String,
    /// Position among the phase's faults, from 0.
    pub index: usize,
}

/// The experiment without some of its faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// What is left out.
    pub left_out: Vec<FaultPlace>,
    /// What is run. A fault that is left out stays in its place and never acts, so that the others
    /// draw the same random numbers as before.
    pub experiment: Experiment,
}

/// What is to be run besides the experiment itself: without each fault in turn, in the order of
/// phases and faults, then without all faults of each phase that has several which are meant to be
/// felt.
///
/// A fault that the baseline has too is a condition of the whole run: it is left out of every phase
/// that has it. A fault of probability 0 does nothing, and has no variant.
pub fn variants(experiment: &Experiment) -> Vec<Variant> {
    let mut chosen: Vec<Vec<FaultPlace>> = Vec::new();
    let places = all_places(experiment);
    for (place, fault) in &places {
        let everywhere = places.iter().filter(|(_, other)| other == fault);
        let left_out = if is_standing(experiment, fault) {
            everywhere.map(|(place, _)| place.clone()).collect()
        } else {
            vec![place.clone()]
        };
        if fault.probability > 0.0 && !chosen.contains(&left_out) {
            chosen.push(left_out);
        }
    }
    let own = experiment
        .phases
        .iter()
        .map(|phase| own_faults(experiment, phase));
    chosen.extend(own.filter(|own| own.len() > 1));
    let variants = chosen.into_iter().map(|left_out| Variant {
        experiment: without(experiment, &left_out),
        left_out,
    });
    variants.collect()
}

fn all_places(experiment: &Experiment) -> Vec<(FaultPlace, &FaultSpec)> {
    let mut places = Vec::new();
    for phase in &experiment.phases {
        for (index, fault) in phase.faults.iter().enumerate() {
            let phase = phase.name.clone();
            places.push((FaultPlace { phase, index }, fault));
        }
    }
    places
}

/// Whether the baseline has the same fault.
fn is_standing(experiment: &Experiment, fault: &FaultSpec) -> bool {
    experiment.baseline().faults.contains(fault)
}

/// The phase's faults that the baseline does not have and that are meant to be felt.
fn own_faults(experiment: &Experiment, phase: &Phase) -> Vec<FaultPlace> {
    let faults = phase.faults.iter().enumerate();
    let own = faults.filter(|(_, fault)| {
        !fault.decoy && fault.probability > 0.0 && !is_standing(experiment, fault)
    });
    own.map(|(index, _)| FaultPlace {
        phase: phase.name.clone(),
        index,
    })
    .collect()
}

fn without(experiment: &Experiment, left_out: &[FaultPlace]) -> Experiment {
    let mut experiment = experiment.clone();
    for phase in &mut experiment.phases {
        for (index, fault) in phase.faults.iter_mut().enumerate() {
            let is_left_out =
                |place: &FaultPlace| place.phase == phase.name && place.index == index;
            if left_out.iter().any(is_left_out) {
                fault.probability = 0.0;
            }
        }
    }
    experiment
}

/// What matters of a variant that was run.
#[derive(Clone, Debug)]
pub struct Replayed {
    left_out: Vec<FaultPlace>,
    /// Every comparison of phases.
    compared: Vec<Compared>,
    /// How the indicators differ with the fault from those without it, over the time in which it is
    /// in force.
    indicators: BTreeMap<FaultPlace, Vec<IndicatorChange>>,
}

impl Replayed {
    /// Compares a variant's run with that of the experiment as it is: `with` are the latter's
    /// requests, `without` and `record` what the variant gave.
    pub fn new(
        experiment: &Experiment,
        with: &[RequestOutcome],
        variant: &Variant,
        record: &RunRecord,
        without: &[RequestOutcome],
    ) -> Self {
        let (with, without) = (Requests::new(with), Requests::new(without));
        let indicators = variant.left_out.iter().filter_map(|place| {
            let phase = experiment.phase(&place.phase)?;
            let in_force = Stretch::in_force(phase.faults.get(place.index)?, phase);
            let judged = judged_over(&in_force, phase, &with);
            let changes = paired_changes(&judged, &with, &without, experiment.seed);
            Some((place.clone(), changes))
        });
        Replayed {
            left_out: variant.left_out.clone(),
            compared: compared(record),
            indicators: indicators.collect(),
        }
    }
}
