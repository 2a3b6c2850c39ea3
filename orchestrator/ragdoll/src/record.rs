//! What became of a run.

use std::fmt;

use ragdoll_experiment::{Outcome, PhaseRecord, RunRecord, suggest};
use ragdoll_report::TerminalOptions;

use crate::verdict::Verdict;

/// A finished run.
#[derive(Clone)]
pub struct Record {
    record: RunRecord,
}

impl Record {
    pub(crate) fn new(record: RunRecord) -> Record {
        Record { record }
    }

    /// How it ended: whether all that was expected holds, or why nobody can tell. A run is inconclusive where a fault
    /// never acted, nobody felt it, or a phase had fewer than 100 requests.
    pub fn outcome(&self) -> &Outcome {
        &self.record.outcome
    }

    /// Whether the run was sound and all that was expected holds.
    pub fn passed(&self) -> bool {
        self.record.outcome == Outcome::Passed
    }

    /// Demands that the run passed.
    ///
    /// # Panics
    /// With the report, where it did not.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.passed(), "\n{}", self.text());
    }

    /// Each expectation with what was found, in the order of the experiment.
    pub fn expectations(&self) -> Vec<Judged> {
        let outcomes = self.record.expectations.iter();
        let outcomes = outcomes.map(|outcome| Judged {
            expected: outcome.text.clone(),
            held: outcome.held,
            found: outcome.found.clone(),
            reason: outcome.reason.clone(),
        });
        outcomes.collect()
    }

    /// What the analyser says of a phase against the baseline.
    ///
    /// # Panics
    /// Where there is no such phase, or it is the baseline.
    #[track_caller]
    pub fn verdict(&self, phase: &str) -> Verdict {
        let analysis = self.phase(phase).analysis.as_ref();
        let analysis = analysis.unwrap_or_else(|| {
            panic!("the phase `{phase}` is the baseline, which is compared with no other")
        });
        Verdict::new(&analysis.verdict)
    }

    /// What users felt in a phase.
    ///
    /// # Panics
    /// Where there is no such phase.
    #[track_caller]
    pub fn figures(&self, phase: &str) -> Figures {
        let stats = &self.phase(phase).stats;
        Figures {
            requests: stats.requests,
            error_share: stats.error_rate,
            answered_per_s: stats.throughput_per_s,
            mean_ms: stats.mean_ms,
            p50_ms: stats.p50_ms,
            p95_ms: stats.p95_ms,
            p99_ms: stats.p99_ms,
            max_ms: stats.max_ms,
        }
    }

    /// The report as text of 100 columns.
    pub fn text(&self) -> String {
        ragdoll_report::terminal(&self.record, &TerminalOptions::default())
    }

    /// The report as one HTML file with pictures, which works offline.
    pub fn html(&self) -> String {
        ragdoll_report::html(&self.record)
    }

    /// All of it as JSON, as in `run.json`.
    pub fn json(&self) -> String {
        ragdoll_report::json(&self.record)
    }

    #[track_caller]
    fn phase(&self, name: &str) -> &PhaseRecord {
        let known = self.record.phases.iter().map(|phase| phase.name.as_str());
        match self.record.phase(name) {
            Some(phase) => phase,
            None => panic!("the run has no phase `{name}`; {}", suggest(name, known)),
        }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("title", &self.record.title)
            .field("outcome", &self.record.outcome)
            .finish_non_exhaustive()
    }
}

/// What became of an expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What was expected, in words.
    pub expected: String,
    /// Whether it holds; false too where nobody can tell.
    pub held: bool,
    /// What was found.
    pub found: String,
    /// Why it does not hold; empty where it does.
    pub reason: String,
}

/// What users felt in a phase, the time to settle left out. Latencies are those of all requests, failed ones too, from
/// when they were due.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// Requests that were due.
    pub requests: u64,
    /// Share of them that failed, from 0 to 1.
    pub error_share: f64,
    /// Answers a second, failures left out.
    pub answered_per_s: f64,
    /// Mean latency.
    pub mean_ms: f64,
    /// Median latency.
    pub p50_ms: f64,
    /// Latency that 95 % stay within.
    pub p95_ms: f64,
    /// Latency that 99 % stay within.
    pub p99_ms: f64,
    /// Longest latency.
    pub max_ms: f64,
}
