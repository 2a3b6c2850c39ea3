//! A loaded experiment: everything resolved, checked and ready to run.

use std::path::PathBuf;

use ragdoll_analyser::{Cause, Question};
use ragdoll_fault_spec::FaultSpec;
use ragdoll_model::{Arrivals, Service, Topology, Workload};
use serde::{Deserialize, Serialize};

/// An experiment whose file held no mistake. Times are absolute, overrides are merged into their
/// base, and every name that it mentions exists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// One line that says what is tried.
    pub title: String,
    /// What the reader should know; empty where the file says nothing.
    pub description: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// The file it was read from, as it was given. Not part of the record, which must be the same
    /// wherever the file lies.
    #[serde(skip)]
    pub file: PathBuf,
    /// The system under test.
    pub topology: Topology,
    /// The load; a phase's own arrivals replace [`Workload::arrivals`].
    pub workload: Workload,
    /// The phases in the order of their start; at least one, never overlapping.
    pub phases: Vec<Phase>,
    /// What must hold; at least one.
    pub expectations: Vec<Expectation>,
}

/// A stretch of the run with its own load and faults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// Unique name, an identifier of CEL.
    pub name: String,
    /// Start in seconds from the start of the run.
    pub start_s: f64,
    /// Length in seconds, above 0.
    pub duration_s: f64,
    /// Seconds at the start of the phase that count for nothing; less than `duration_s`.
    pub settle_s: f64,
    /// When requests arrive in this phase.
    pub arrivals: Arrivals,
    /// Where the recording that [`Arrivals::file`] names lies, seen from the working directory.
    #[serde(skip)]
    pub recording: Option<PathBuf>,
    /// Whether the other phases are compared with this one. True for exactly one phase.
    pub baseline: bool,
    /// Faults that are injected in this phase.
    pub faults: Vec<FaultSpec>,
}

impl Phase {
    /// Start in microseconds from the start of the run.
    pub fn start_us(&self) -> u64 {
        micros(self.start_s)
    }

    /// End (exclusive) in microseconds from the start of the run.
    pub fn end_us(&self) -> u64 {
        micros(self.start_s + self.duration_s)
    }

    /// First microsecond of the run that counts for this phase.
    pub fn counted_from_us(&self) -> u64 {
        micros(self.start_s + self.settle_s)
    }

    /// Seconds that count: the duration without the time to settle.
    pub fn counted_s(&self) -> f64 {
        self.duration_s - self.settle_s
    }
}

fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}

impl Experiment {
    /// The same experiment with every phase, its time to settle and its faults' times `factor` times
    /// as long. Rates, deadlines and what faults do stay as they are. For grounds on which time
    /// really passes.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Experiment {
        for phase in &mut self.phases {
            phase.start_s *= factor;
            phase.duration_s *= factor;
            phase.settle_s *= factor;
            for fault in &mut phase.faults {
                fault.at_s *= factor;
                fault.for_s = fault.for_s.map(|length_s| length_s * factor);
                fault.every_s = fault.every_s.map(|period_s| period_s * factor);
                fault.ramp_up_s *= factor;
                fault.ramp_down_s *= factor;
            }
        }
        self
    }

    /// The phase of this name.
    pub fn phase(&self, name: &str) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.name == name)
    }

    /// The phase that the others are compared with.
    pub fn baseline(&self) -> &Phase {
        let mut baselines = self.phases.iter().filter(|phase| phase.baseline);
        match (baselines.next(), baselines.next()) {
            (Some(phase), None) => phase,
            found => panic!("a loaded experiment has one baseline, not {found:?}"),
        }
    }

    /// Length of the run in simulated seconds: the end of the last phase.
    pub fn duration_s(&self) -> f64 {
        let ends = self
            .phases
            .iter()
            .map(|phase| phase.start_s + phase.duration_s);
        ends.fold(0.0, f64::max)
    }

    /// The comparisons that the record and the expectations need, as pairs of phase and the phase
    /// it is compared with: every phase with the baseline, then what expectations ask besides.
    pub fn comparisons(&self) -> Vec<(String, String)> {
        let baseline = &self.baseline().name;
        let others = self.phases.iter().filter(|phase| !phase.baseline);
        let mut pairs: Vec<(String, String)> = others
            .map(|phase| (phase.name.clone(), baseline.clone()))
            .collect();
        for expectation in &self.expectations {
            if let Some((phase, against)) = expectation.expected.comparison() {
                let pair = (phase.to_owned(), against.to_owned());
                if !pairs.contains(&pair) {
                    pairs.push(pair);
                }
            }
        }
        pairs
    }
}

/// One thing that must hold for the run to pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// What is expected.
    pub expected: Expected,
    /// Why, in the author's words; empty where the file says nothing.
    pub because: String,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Expected {
    /// The analyser names this bottleneck.
    Bottleneck {
        /// The phase that is judged.
        phase: String,
        /// The phase it is compared with.
        against: String,
        /// Where.
        service: Service,
        /// Which copy, where it matters.
        instance: Option<String>,
        /// Why, where it matters.
        cause: Option<Cause>,
        /// Which indicator it explains, where it matters.
        question: Option<Question>,
        /// Least share of the slow tail's time, or of the failing requests, from 0 to 1.
        min_share: f64,
    },
    /// The analyser finds nothing that changed.
    NoBottleneck {
        /// The phase that is judged.
        phase: String,
        /// The phase it is compared with.
        against: String,
    },
    /// Most failing requests go wrong first in this service.
    ErrorOrigin {
        /// The phase that is judged.
        phase: String,
        /// The phase it is compared with.
        against: String,
        /// Where they go wrong first.
        service: Service,
        /// `error.type` there, where it matters.
        error: Option<String>,
        /// Least share of the failing requests that originate there, from 0 to 1.
        min_share: f64,
    },
    /// Failing (else slow) requests share a property.
    SharedTrait {
        /// The phase that is judged.
        phase: String,
        /// The phase it is compared with.
        against: String,
        /// Span attribute that the property is about.
        attribute: String,
        /// Least share of the affected requests that have it, from 0 to 1.
        min_share: f64,
    },
    /// A CEL expression over the phases' figures is true.
    Holds {
        /// The expression.
        expression: String,
    },
}

impl Expected {
    /// The phase that is judged and the one it is compared with, where the analyser is asked.
    pub fn comparison(&self) -> Option<(&str, &str)> {
        match self {
            Expected::Bottleneck { phase, against, .. }
            | Expected::NoBottleneck { phase, against }
            | Expected::ErrorOrigin { phase, against, .. }
            | Expected::SharedTrait { phase, against, .. } => Some((phase, against)),
            Expected::Holds { .. } => None,
        }
    }
}
