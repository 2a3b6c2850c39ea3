//! What a run yields before anybody judges it.

use std::collections::BTreeMap;

use ragdoll_analyser::Analysis;

use crate::journal::Journal;
use crate::record::{Comparison, Exemplar, MachineRecord, OutputFile, Wall};

/// Everything that [`crate::judge`] looks at.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    /// Version of ragdoll.
    pub version: String,
    /// Where it ran, such as `virtual`.
    pub ground: String,
    /// Every request of the load generator, in any order.
    pub requests: Vec<RequestOutcome>,
    /// Samples of the gauge `worker.utilization`, in any order.
    pub utilization: Vec<UtilizationSample>,
    /// One for each pair of [`crate::Experiment::comparisons`].
    pub comparisons: Vec<Comparison>,
    /// Share of the mean critical path's time by phase and `service.name`. Phases left out get
    /// theirs from the comparisons.
    pub shares: BTreeMap<String, BTreeMap<String, f64>>,
    /// What the faults did.
    pub journal: Journal,
    /// Slow traces to show.
    pub exemplars: Vec<Exemplar>,
    /// Files that will lie in the output folder.
    pub files: Vec<OutputFile>,
    /// What depends on the machine.
    pub wall: Option<Wall>,
    /// Whether the machine held the load, on a real ground.
    pub machine: Option<MachineRecord>,
}

impl Measurements {
    /// What the analyser says of `phase` compared with `against`.
    pub fn analysis(&self, phase: &str, against: &str) -> Option<&Analysis> {
        self.comparisons
            .iter()
            .find(|pair| pair.phase == phase && pair.against == against)
            .map(|pair| &pair.analysis)
    }
}

/// What became of one request, as the client saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestOutcome {
    /// When it was due, in microseconds from the start of the run.
    pub intended_us: u64,
    /// Time from then to the answer or the failure.
    pub latency_us: u64,
    /// `error.type`, where it failed.
    pub error: Option<String>,
    /// recall@k against the exact answer, 0 to 1, where it was answered.
    pub recall: Option<f64>,
    /// precision@k against the planted relevance, 0 to 1, where it was answered.
    pub precision: Option<f64>,
}

impl RequestOutcome {
    /// Whether it was answered.
    pub fn ok(&self) -> bool {
        self.error.is_none()
    }

    /// When it ended, in microseconds from the start of the run.
    pub fn ended_us(&self) -> u64 {
        self.intended_us + self.latency_us
    }
}

/// One sample of a busy gauge.
#[derive(Clone, Debug, PartialEq)]
pub struct UtilizationSample {
    /// When it was taken, in microseconds from the start of the run.
    pub at_us: u64,
    /// `service.name`.
    pub service: String,
    /// Mean since the last sample, 0 to 1.
    pub value: f64,
}
