//! What the analyser blames.

use std::fmt;

use ragdoll_analyser as analyser;
use ragdoll_analyser::{Cause, Question};

/// What the analyser says of a phase against the baseline. It saw traces, logs and metrics alone, and knows of no
/// fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Something makes requests slower, or fail more often.
    Bottleneck(Bottleneck),
    /// Nothing changed beyond noise.
    NoBottleneck,
    /// Too few requests to tell.
    NotEnoughData {
        /// What was missing.
        reason: String,
    },
}

impl Verdict {
    /// The service that is blamed and the cause, where one is.
    pub fn place(&self) -> Option<(&str, Cause)> {
        let found = self.bottleneck()?;
        Some((&found.service, found.cause))
    }

    /// What is blamed, where something is.
    pub fn bottleneck(&self) -> Option<&Bottleneck> {
        match self {
            Verdict::Bottleneck(found) => Some(found),
            _ => None,
        }
    }

    pub(crate) fn new(verdict: &analyser::Verdict) -> Verdict {
        match verdict {
            analyser::Verdict::NoBottleneck { .. } => Verdict::NoBottleneck,
            analyser::Verdict::NotEnoughData { reason } => Verdict::NotEnoughData {
                reason: reason.clone(),
            },
            analyser::Verdict::Bottleneck(found) => Verdict::Bottleneck(Bottleneck {
                service: found.service.clone(),
                instance: found.instance.clone(),
                cause: found.cause,
                question: found.question,
                share: found.share,
                baseline_share: found.baseline_share,
            }),
        }
    }
}

/// Such as `search / io`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Bottleneck(found) => write!(f, "{} / {}", found.service, found.cause),
            Verdict::NoBottleneck => f.write_str("no bottleneck"),
            Verdict::NotEnoughData { reason } => write!(f, "not enough data: {reason}"),
        }
    }
}

/// A place that is blamed.
#[derive(Clone, Debug, PartialEq)]
pub struct Bottleneck {
    /// Where.
    pub service: String,
    /// Which copy, such as `search-0`, where one stands out among several.
    pub instance: Option<String>,
    /// Why.
    pub cause: Cause,
    /// What it explains: latency, errors, throughput, or calls that are no longer made.
    pub question: Question,
    /// Share of the slow requests' time, or of the failing requests, that is due to it, from 0 to 1.
    pub share: f64,
    /// The same share in the baseline.
    pub baseline_share: f64,
}
