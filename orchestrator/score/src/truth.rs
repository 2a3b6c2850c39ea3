//! What is known of a case: which faults it has, and what they did.

use ragdoll_analyser::{Cause, Window};
use serde::{Deserialize, Serialize};

/// Ground truth of one case, the content of its `truth.json`. A method that is scored sees none of
/// it but the two windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Name of the case, which is that of its folder.
    pub case: String,
    /// Seed from which the case can be made again.
    pub seed: u64,
    /// What kind of system it is about.
    pub system: SystemKind,
    /// Names of all services, in the order of the topology.
    pub services: Vec<String>,
    /// Faults that fired and moved an indicator; none in a healthy case or one of decoys alone.
    pub faults: Vec<TrueFault>,
    /// Faults that fired and moved no indicator, which nobody may blame.
    pub decoys: Vec<Decoy>,
    /// Time before the faults.
    pub before: Stretch,
    /// Time with the faults.
    pub during: Stretch,
    /// What callers saw before the faults.
    pub indicators_before: Indicators,
    /// What callers saw with the faults.
    pub indicators_during: Indicators,
}

impl Truth {
    /// Whether nothing at all was done to the system.
    pub fn is_healthy(&self) -> bool {
        self.faults.is_empty() && self.decoys.is_empty()
    }
}

/// What kind of system a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemKind {
    /// Retrieval-augmented generation, as in the base topologies.
    Rag,
    /// A graph of services without such roles.
    Graph,
}

/// A fault that a method should name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrueFault {
    /// `service.name` of the place.
    pub service: String,
    /// `service.instance.id`, where the fault met one instance of several.
    pub instance: Option<String>,
    /// Name of the kind of fault, such as `slow`.
    pub kind: String,
    /// Causes that are right answers, the best one first; empty where the cause is not graded.
    pub causes: Vec<Cause>,
    /// Indicators that it moved.
    pub moved: Vec<Moved>,
    /// Services that felt it, from the fault's own to that of the root spans.
    pub path: Vec<String>,
    /// When it was in force.
    pub active: Stretch,
}

/// A fault that moved no indicator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decoy {
    /// `service.name` of the place.
    pub service: String,
    /// `service.instance.id`, where it met one instance of several.
    pub instance: Option<String>,
    /// Name of the kind of fault.
    pub kind: String,
}

/// An indicator that a fault moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// Requests became slower.
    Latency,
    /// Requests failed more often.
    Errors,
    /// Fewer requests were answered a second.
    Throughput,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// First nanosecond, since the Unix epoch.
    pub start_ns: u64,
    /// First nanosecond after it.
    pub end_ns: u64,
}

impl From<Stretch> for Window {
    fn from(stretch: Stretch) -> Self {
        Window {
            start_ns: stretch.start_ns,
            end_ns: stretch.end_ns,
        }
    }
}

/// What callers saw in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Indicators {
    /// Requests sent.
    pub requests: u64,
    /// Requests answered without an error, a second.
    pub answered_per_s: f64,
    /// Share of the requests that failed, 0 to 1.
    pub error_share: f64,
    /// Mean duration of the successful requests, milliseconds.
    pub mean_ms: f64,
    /// Median of the same.
    pub p50_ms: f64,
    /// 95th percentile of the same.
    pub p95_ms: f64,
    /// 99th percentile of the same.
    pub p99_ms: f64,
}
