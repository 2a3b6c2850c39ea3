//! Ground truth: what was injected, where, when and into whom. Only the comparison of verdict and
//! expectation reads it; the analyser never does.

use ragdoll_fault_spec::FaultSpec;
use serde::{Deserialize, Serialize};

/// Contents of `journal.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Journal {
    /// Seed of the run.
    pub seed: u64,
    /// Every declared fault, in the order of phases and of the faults within them.
    pub faults: Vec<JournalEntry>,
    /// What befell processes on a real ground, in the order of time; none on the virtual one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<JournalEvent>,
    /// Why the run ended before its time, where it did: what lies beside the journal is then what
    /// was collected until that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
}

/// Something that befell a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEvent {
    /// When, in seconds from the start of the run.
    pub at_s: f64,
    /// `service.instance.id`.
    pub instance: String,
    /// What, such as `killed for want of memory (exit code 137)`.
    pub what: String,
}

/// What one declared fault did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Name of the phase.
    pub phase: String,
    /// Position among the phase's faults, from 0.
    pub index: usize,
    /// The fault as declared.
    pub fault: FaultSpec,
    /// When it was switched on, in seconds from the start of the run.
    pub start_s: f64,
    /// When it was switched off, in seconds from the start of the run.
    pub stop_s: f64,
    /// Times that it could have acted.
    pub opportunities: u64,
    /// Times that it did.
    pub firings: u64,
    /// Time that it added, over all firings, where the kind can tell.
    pub injected_ms: f64,
    /// Requests it acted on.
    pub requests_touched: u64,
    /// The first of these requests, at most [`Journal::TOUCHED_MAX`].
    pub touched: Vec<Touched>,
}

impl Journal {
    /// Touched requests that an entry names at most; the count goes on.
    pub const TOUCHED_MAX: usize = 1000;
}

/// A request that a fault acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touched {
    /// Number of the request within the run.
    pub request_id: u64,
    /// Hexadecimal trace id.
    pub trace_id: String,
}
