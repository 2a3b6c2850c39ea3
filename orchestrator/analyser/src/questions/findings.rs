//! What the questions find: typed, serialisable, comparable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::cause::Cause;

/// Which indicator the bottleneck explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Why are the slow requests slow?
    Latency,
    /// Why do requests fail?
    Errors,
    /// Why are fewer requests answered in the same time?
    Throughput,
    /// Which calls are no longer made?
    Calls,
}

/// Where, why, how much, and what shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bottleneck {
    /// `service.name` of the place.
    pub service: String,
    /// `service.instance.id`, where one instance stands out among its siblings.
    pub instance: Option<String>,
    /// Why.
    pub cause: Cause,
    /// Which indicator it explains.
    pub question: Question,
    /// Latency and throughput: share of the slow tail's time spent there, 0 to 1. Errors: share of the
    /// failing requests that originate there. Calls: share of the operation's spans without them.
    pub share: f64,
    /// The same share in the baseline.
    pub baseline_share: f64,
    /// Share of the change against the baseline that it explains, 0 to 1.
    pub explains: f64,
    /// How sure it is that this place explains more than any that is ranked after it: the share of
    /// random samples of the requests in which it does, 0 to 1.
    #[serde(default)]
    pub confidence: f64,
    /// Figures that a reader can check, most telling first.
    pub evidence: Vec<Figure>,
    /// Traces to look at, hexadecimal ids, worst first.
    pub example_traces: Vec<String>,
}

/// One figure of evidence: what, how much now, how much before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What is measured, in words that stand alone, such as `queue wait of llm, p95`.
    pub what: String,
    /// Value in the population that is explained.
    pub value: f64,
    /// Value in the baseline, where there is one.
    pub baseline: Option<f64>,
    /// Unit, such as `ms`, `%`, `1/s`; empty for a plain number.
    pub unit: String,
}

/// Time on the critical path of the slowest requests that one (service, cause) owns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    /// `service.name`.
    pub service: String,
    /// Why the time passed there.
    pub cause: Cause,
    /// Mean milliseconds a request of the slow tail.
    pub tail_ms: f64,
    /// The same in the baseline's slow tail.
    pub baseline_tail_ms: f64,
    /// Mean milliseconds over all requests.
    pub mean_ms: f64,
    /// The same over all requests of the baseline.
    pub baseline_mean_ms: f64,
}

/// Where failing requests go wrong first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorOrigin {
    /// `service.name` of the deepest failing place.
    pub service: String,
    /// `error.type` or status there.
    pub error: String,
    /// Failing requests that originate there.
    pub requests: u64,
    /// Services that passed the error on, from the origin to the root.
    pub path: Vec<String>,
    /// Example trace ids.
    pub example_traces: Vec<String>,
}

/// In what an operation's calls differ from the baseline's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallsChange {
    /// Calls that were nearly always made are gone. A verdict may rest on it.
    #[default]
    Vanished,
    /// What its spans did with and without some calls before is done in other shares, as where a cache
    /// is hit more often: for information.
    Shifted,
    /// Calls that were not made before: for information.
    Appeared,
    /// Calls that are made more or less often by a span: for information.
    Number,
}

/// An operation whose calls are not what they were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StructureChange {
    /// In what they differ.
    #[serde(default)]
    pub kind: CallsChange,
    /// `service.name` of the operation.
    pub service: String,
    /// Operation.
    pub operation: String,
    /// Operations that it no longer led to; empty where calls appeared or changed in number.
    pub vanished: Vec<String>,
    /// Operation whose calls appeared or changed in number.
    #[serde(default)]
    pub called: Option<String>,
    /// Mean number of those calls by one span.
    #[serde(default)]
    pub calls: f64,
    /// The same in the baseline.
    #[serde(default)]
    pub baseline_calls: f64,
    /// Share of its spans without what vanished, or with what is called, 0 to 1.
    pub share: f64,
    /// The same in the baseline.
    pub baseline_share: f64,
    /// Spans of the operation in the window.
    pub spans: u64,
    /// Probability that chance alone does as much, corrected for the number of tests.
    pub p_value: f64,
}

/// A property that failing or slow requests have more often than the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedTrait {
    /// Span attribute.
    pub attribute: String,
    /// What the affected requests have, such as `>= 51200` or `= user-7`.
    pub condition: String,
    /// Share of the affected requests that meet the condition.
    pub share_affected: f64,
    /// Share of the other requests that do.
    pub share_others: f64,
    /// Probability that chance alone does as much, corrected for the number of tests.
    pub p_value: f64,
}
