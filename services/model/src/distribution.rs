//! Distributions as data. Sampling lives in `ragdoll-runtime`, beside the random streams.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long something takes. Parameters are milliseconds unless the name says otherwise; a sample
/// below zero counts as zero.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Dist {
    /// Always the same.
    Fixed {
        /// The value, at least 0.
        ms: f64,
    },
    /// Every value between two bounds is equally likely.
    Uniform {
        /// Smallest value, at least 0.
        min_ms: f64,
        /// Largest value, at least `min_ms`.
        max_ms: f64,
    },
    /// Memoryless; the service time of an M/M/c queue.
    Exponential {
        /// Mean, at least 0.
        mean_ms: f64,
    },
    /// Gaussian, cut at zero.
    Normal {
        /// Mean, at least 0.
        mean_ms: f64,
        /// Standard deviation, at least 0.
        std_dev_ms: f64,
    },
    /// The logarithm is Gaussian: the usual shape of service latencies.
    Lognormal {
        /// Median, above 0.
        median_ms: f64,
        /// Standard deviation of the natural logarithm, at least 0.
        sigma: f64,
    },
    /// Power-law tail.
    Pareto {
        /// Smallest value, above 0.
        min_ms: f64,
        /// Tail index, above 0; at 1 or below the mean is infinite.
        alpha: f64,
    },
}

impl Dist {
    /// A fixed time.
    pub const fn fixed(ms: f64) -> Self {
        Dist::Fixed { ms }
    }

    /// A lognormal time.
    pub const fn lognormal(median_ms: f64, sigma: f64) -> Self {
        Dist::Lognormal { median_ms, sigma }
    }

    /// Name of the distribution in experiment files.
    pub const fn name(&self) -> &'static str {
        match self {
            Dist::Fixed { .. } => "fixed",
            Dist::Uniform { .. } => "uniform",
            Dist::Exponential { .. } => "exponential",
            Dist::Normal { .. } => "normal",
            Dist::Lognormal { .. } => "lognormal",
            Dist::Pareto { .. } => "pareto",
        }
    }

    /// Names and values of the parameters, in the order in which a file would give them.
    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Dist::Fixed { ms } => vec![("ms", ms)],
            Dist::Uniform { min_ms, max_ms } => vec![("min_ms", min_ms), ("max_ms", max_ms)],
            Dist::Exponential { mean_ms } => vec![("mean_ms", mean_ms)],
            Dist::Normal {
                mean_ms,
                std_dev_ms,
            } => {
                vec![("mean_ms", mean_ms), ("std_dev_ms", std_dev_ms)]
            }
            Dist::Lognormal { median_ms, sigma } => {
                vec![("median_ms", median_ms), ("sigma", sigma)]
            }
            Dist::Pareto { min_ms, alpha } => vec![("min_ms", min_ms), ("alpha", alpha)],
        }
    }

    /// The longest time that a parameter may be, in milliseconds: no run lasts as long.
    pub const MOST_MS: f64 = 1e9;

    /// What is wrong with the parameters: the offending parameter and what it must be.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        for (name, value) in self.parameters() {
            if !value.is_finite() || value < 0.0 {
                return Some((name, "a number of at least 0"));
            }
            if name.ends_with("_ms") && value > Dist::MOST_MS {
                return Some((name, "at most 1,000,000,000, which is eleven days"));
            }
        }
        match *self {
            Dist::Uniform { min_ms, max_ms } if max_ms < min_ms => {
                Some(("max_ms", "at least min_ms"))
            }
            Dist::Lognormal { median_ms, .. } if median_ms <= 0.0 => Some(("median_ms", "above 0")),
            Dist::Pareto { min_ms, .. } if min_ms <= 0.0 => Some(("min_ms", "above 0")),
            Dist::Pareto { alpha, .. } if alpha <= 0.0 => Some(("alpha", "above 0")),
            _ => None,
        }
    }
}

/// How many tokens something has; samples are rounded and are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenDist {
    /// Always the same.
    Fixed {
        /// The value, at least 1.
        tokens: u32,
    },
    /// Every value between two bounds, both included, is equally likely.
    Uniform {
        /// Smallest value, at least 1.
        min: u32,
        /// Largest value, at least `min`.
        max: u32,
    },
    /// The logarithm is Gaussian.
    Lognormal {
        /// Median, at least 1.
        median: f64,
        /// Standard deviation of the natural logarithm, at least 0.
        sigma: f64,
        /// Values above are cut to this, at least 1.
        max: u32,
    },
}

impl TokenDist {
    /// What is wrong with the parameters: the offending parameter and what it must be.
    pub fn problem(&self) -> Option<(&'static str, &'static str)> {
        match *self {
            TokenDist::Fixed { tokens: 0 } => Some(("tokens", "at least 1")),
            TokenDist::Uniform { min: 0, .. } => Some(("min", "at least 1")),
            TokenDist::Uniform { min, max } if max < min => Some(("max", "at least min")),
            TokenDist::Lognormal { median, .. } if !median.is_finite() || median < 1.0 => {
                Some(("median", "at least 1"))
            }
            TokenDist::Lognormal { sigma, .. } if !sigma.is_finite() || sigma < 0.0 => {
                Some(("sigma", "a number of at least 0"))
            }
            TokenDist::Lognormal { max: 0, .. } => Some(("max", "at least 1")),
            _ => None,
        }
    }
}
