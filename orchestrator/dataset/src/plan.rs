//! A case before it runs: its system, its load and what is done to it. It follows from the seed of
//! the data set, the number of the case and the number of the candidate alone.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;

use ragdoll_experiment::{Experiment, Phase};
use ragdoll_fault_spec::FaultSpec;
use ragdoll_model::Service;
use ragdoll_runtime::random::{chance, unit};
use ragdoll_runtime::{Rng, Stream, Streams};
use ragdoll_score::SystemKind;

use crate::draw::{pick, rounded};
use crate::faults::{self, Injection, Strength, draw_decoy, draw_noise, kinds_in};
use crate::systems::{self, System};

/// Systems that are drawn for a candidate until one can have its kinds of fault.
const SYSTEMS_MAX: u64 = 120;
/// Candidates of a case that are about the same kinds of fault.
const CANDIDATES_PER_KIND: u64 = 4;
/// Requests that each stretch of time has at least, on average.
const REQUESTS: f64 = 165.0;
/// Shortest stretch, in seconds.
const STRETCH_MIN_S: f64 = 16.0;
/// Seeds are exact in languages whose numbers are all floating-point.
const SEED_BITS: u32 = 53;

/// Name of the first phase.
pub(crate) const BEFORE: &str = "before";
/// Name of the second phase.
pub(crate) const DURING: &str = "during";

/// What a case is about, which follows from its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Nothing is done to the system.
    Healthy,
    /// What is done to it nobody feels.
    Decoys,
    /// So many faults that are felt, one to three.
    Faults(usize),
}

/// A candidate for a case.
#[derive(Clone, Debug)]
pub struct CasePlan {
    /// Number of the case in the whole data set.
    pub number: u64,
    /// Number of the candidate, from 0.
    pub candidate: u64,
    /// What it is about.
    pub class: Class,
    /// The system with its load.
    pub system: System,
    /// Faults that are to be felt.
    pub faults: Vec<Injection>,
    /// What is done besides and is not to be felt.
    pub decoys: Vec<Injection>,
    /// The run with all of them.
    pub experiment: Experiment,
    /// Where the faults of each of `faults`, then of `decoys`, stand in the second phase.
    places: Vec<Range<usize>>,
}

impl CasePlan {
    /// What the case is about.
    pub fn class_of(seed: u64, number: u64) -> Class {
        let share = unit(&mut stream(seed, number).child("class").rng());
        match share {
            _ if share < 0.15 => Class::Healthy,
            _ if share < 0.25 => Class::Decoys,
            _ if share < 0.85 => Class::Faults(1),
            _ if share < 0.98 => Class::Faults(2),
            _ => Class::Faults(3),
        }
    }

    /// What kind of system the case is about: as many of one kind as of the other.
    pub fn system_kind_of(seed: u64, number: u64) -> SystemKind {
        let even = chance(0.5, &mut stream(seed, number).child("kind of system").rng());
        if even {
            SystemKind::Rag
        } else {
            SystemKind::Graph
        }
    }

    /// A candidate for a case; nothing where none of the systems that were drawn can have what the
    /// case is about.
    pub fn new(seed: u64, number: u64, candidate: u64) -> Option<CasePlan> {
        let class = CasePlan::class_of(seed, number);
        let system_kind = CasePlan::system_kind_of(seed, number);
        let case = stream(seed, number);
        let kinds = kinds_of(&case, class, system_kind, candidate);
        let random = case.child(&format!("candidate {candidate}"));
        for drawn in 0..SYSTEMS_MAX {
            let rng = &mut random.child("system").at(drawn);
            let system = systems::draw(system_kind, rng);
            let phase_s = stretch_s(&system);
            let Some(faults) = faults_of(&kinds, &system, phase_s, rng) else {
                continue;
            };
            let Some(decoys) = decoys_of(class, &faults, &system, phase_s, rng) else {
                continue;
            };
            let noise = draw_noise(&system, rng);
            let seed = random.child("run").key() >> (u64::BITS - SEED_BITS);
            let (experiment, places) = experiment(seed, &system, &noise, &faults, &decoys);
            return Some(CasePlan {
                number,
                candidate,
                class,
                system,
                faults,
                decoys,
                experiment,
                places,
            });
        }
        None
    }

    /// The first phase.
    pub(crate) fn before(&self) -> &Phase {
        &self.experiment.phases[0]
    }

    /// The second phase.
    pub(crate) fn during(&self) -> &Phase {
        &self.experiment.phases[1]
    }

    /// Where the declared faults of an injection stand in the second phase: those of the faults come
    /// first, then those of the decoys.
    pub(crate) fn place(&self, injection: usize) -> Range<usize> {
        self.places[injection].clone()
    }

    /// The same run without these faults: they stay in their places and never act, so that everything
    /// else draws the same random numbers.
    pub(crate) fn without(&self, faults: impl IntoIterator<Item = usize>) -> Experiment {
        let mut experiment = self.experiment.clone();
        for fault in faults {
            for spec in &mut experiment.phases[1].faults[self.place(fault)] {
                spec.probability = 0.0;
            }
        }
        experiment
    }
}

fn stream(seed: u64, number: u64) -> Stream {
    let cases = Streams::new(seed).stream("dataset");
    cases.child(&format!("case {number}"))
}

/// Kinds of fault that a candidate is about. Of one fault, a few candidates in a row have the same
/// kind, so that kinds that are hard to fit are not rare; of several, some go together badly.
fn kinds_of(
    case: &Stream,
    class: Class,
    system_kind: SystemKind,
    candidate: u64,
) -> Vec<&'static str> {
    let Class::Faults(count) = class else {
        return Vec::new();
    };
    let alike = if count == 1 { CANDIDATES_PER_KIND } else { 1 };
    let rng = &mut case.child("kinds").at(candidate / alike);
    let mut left = kinds_in(system_kind);
    let mut chosen = Vec::with_capacity(count);
    for _ in 0..count {
        let kind = pick(&left, rng);
        left.retain(|other| *other != kind);
        chosen.push(kind);
    }
    chosen
}

/// How long each of the two stretches lasts.
fn stretch_s(system: &System) -> f64 {
    rounded((REQUESTS / system.rate_per_s).max(STRETCH_MIN_S))
}

/// A fault of each kind, each about another service.
fn faults_of(
    kinds: &[&'static str],
    system: &System,
    phase_s: f64,
    rng: &mut Rng,
) -> Option<Vec<Injection>> {
    let strength = match kinds.len() {
        1 => Strength::Alone,
        _ => Strength::OneOfSeveral,
    };
    let mut faults: Vec<Injection> = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let fault = faults::draw(kind, system, phase_s, strength, rng)?;
        if faults.iter().any(|other| other.service == fault.service) {
            return None;
        }
        faults.push(fault);
    }
    Some(faults)
}

/// Decoys, none of them on a service that a fault is about.
fn decoys_of(
    class: Class,
    faults: &[Injection],
    system: &System,
    phase_s: f64,
    rng: &mut Rng,
) -> Option<Vec<Injection>> {
    let count = match class {
        Class::Healthy => 0,
        Class::Decoys => 1 + usize::from(chance(0.3, rng)),
        Class::Faults(_) => usize::from(chance(0.25, rng)),
    };
    let mut taken: BTreeSet<Service> = faults.iter().map(|fault| fault.service).collect();
    let mut decoys = Vec::with_capacity(count);
    for _ in 0..count {
        let decoy = draw_decoy(system, phase_s, rng)?;
        let acts_on_load = decoy.kind == "load_spike";
        if (acts_on_load && !taken.is_empty()) || !taken.insert(decoy.service) {
            return None;
        }
        decoys.push(decoy);
    }
    Some(decoys)
}

/// The run, and where the faults of each injection stand in its second phase.
fn experiment(
    seed: u64,
    system: &System,
    noise: &[FaultSpec],
    faults: &[Injection],
    decoys: &[Injection],
) -> (Experiment, Vec<Range<usize>>) {
    let stretch_s = stretch_s(system);
    let mut in_force = noise.to_vec();
    let mut places = Vec::new();
    for injection in faults.iter().chain(decoys) {
        let start = in_force.len();
        in_force.extend(injection.specs.iter().cloned());
        places.push(start..in_force.len());
    }
    let phase = |name: &str, start_s: f64, settle_s: f64, faults: Vec<FaultSpec>| Phase {
        name: name.to_owned(),
        start_s,
        duration_s: settle_s + stretch_s,
        settle_s,
        arrivals: system.workload.arrivals.clone(),
        recording: None,
        baseline: name == BEFORE,
        faults,
    };
    let before = phase(BEFORE, 0.0, system.settle_s, noise.to_vec());
    let during = phase(DURING, before.duration_s, 0.0, in_force);
    let experiment = Experiment {
        title: "A case of a data set".to_owned(),
        description: String::new(),
        seed,
        file: PathBuf::new(),
        topology: system.topology.clone(),
        workload: system.workload.clone(),
        phases: vec![before, during],
        expectations: Vec::new(),
    };
    (experiment, places)
}

#[cfg(test)]
mod tests;
