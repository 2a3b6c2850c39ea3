//! Figures by which users feel a fault.

use serde::{Deserialize, Serialize};

/// A figure by which users feel a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indicator {
    /// Median latency.
    P50Ms,
    /// Latency that 95 % of the requests stay within.
    P95Ms,
    /// Failed requests over all requests.
    ErrorRate,
    /// Successful answers a second.
    ThroughputPerS,
    /// Mean recall@k.
    Recall,
}

impl Indicator {
    /// Name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Indicator::P50Ms => "p50",
            Indicator::P95Ms => "p95",
            Indicator::ErrorRate => "error rate",
            Indicator::ThroughputPerS => "throughput",
            Indicator::Recall => "recall",
        }
    }
}

/// How an indicator differs from the baseline's, both taken as the mean over windows of the phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndicatorChange {
    /// Which.
    pub indicator: Indicator,
    /// Value in the baseline.
    pub baseline: f64,
    /// Value in the phase.
    pub value: f64,
    /// Least difference that noise allows for.
    pub difference_low: f64,
    /// Largest difference that noise allows for.
    pub difference_high: f64,
    /// Whether the difference is beyond noise and large enough to be felt.
    pub moved: bool,
}
