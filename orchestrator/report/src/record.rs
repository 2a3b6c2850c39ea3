//! One analysis as plain data, from reading to verdict.

use std::collections::BTreeMap;

use ragdoll_analyser::{Analysis, Cause};
use ragdoll_experiment::Exemplar;
use serde::{Deserialize, Serialize};

use crate::figures::count;
use crate::latencies::Latencies;
use crate::words::Judged;

/// What was read, what was compared with what, and what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AnalysisRecord {
    /// Version of ragdoll.
    pub version: String,
    /// What was read.
    pub read: ReadRecord,
    /// The requests that are explained.
    pub window: WindowRecord,
    /// The requests that they are compared with.
    pub baseline: WindowRecord,
    /// How the two were told apart: a sentence.
    pub how: String,
    /// Operation of the root spans that are compared; none where nothing was read of any.
    pub operation: Option<String>,
    /// What the analyser found.
    pub analysis: Analysis,
    /// How long requests took, before and now.
    pub latencies: Latencies,
    /// A trace to look at: one that the verdict points to, else a typical slow one.
    pub exemplar: Option<Exemplar>,
    /// Why time passes in each of that trace's spans; none for one that owns no time of the critical
    /// path.
    pub causes: Vec<Option<Cause>>,
}

impl AnalysisRecord {
    /// The two windows with what was found.
    pub(crate) fn judged(&self) -> Judged<'_> {
        Judged {
            phase: &self.window.name,
            against: &self.baseline.name,
            analysis: &self.analysis,
        }
    }

    /// Which requests are compared, in a sentence or two.
    pub(crate) fn compared(&self) -> String {
        let mut text = match &self.operation {
            Some(operation) => format!("Requests of `{operation}`. {}", self.how),
            None => self.how.clone(),
        };
        let (now, before) = (&self.latencies.now, &self.latencies.before);
        let traces = self.analysis.traces + self.analysis.baseline_traces;
        let looked_at = now.looked_at + before.looked_at;
        if looked_at > 0 && looked_at < traces {
            text.push_str(&format!(
                " Quantiles and errors are those of {} requests of {}, evenly spread.",
                count(looked_at),
                count(traces)
            ));
        }
        text
    }
}

/// One of the two populations of requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowRecord {
    /// What reports call it.
    pub name: String,
    /// Its first moment as the telemetry has it, RFC 3339.
    pub start: String,
    /// The first moment after it, RFC 3339.
    pub end: String,
    /// Length in seconds.
    pub seconds: f64,
}

/// What was read, and what was not as it should be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadRecord {
    /// Every source, in the order of reading.
    pub sources: Vec<SourceRecord>,
    /// Sentences about what was dropped, repaired or not read.
    pub notes: Vec<String>,
    /// Share of the traces that were analysed, 0 to 1, where there were too many for all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_share: Option<f64>,
}

impl ReadRecord {
    /// Spans of all sources.
    pub fn spans(&self) -> u64 {
        self.sources.iter().map(|source| source.spans).sum()
    }

    /// How many traces there were where some were analysed, as far as the share tells.
    pub(crate) fn scaled_up(&self, traces: u64) -> f64 {
        traces as f64 / self.trace_share.unwrap_or(1.0)
    }
}

/// One file, or standard input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRecord {
    /// Its path, or `standard input`.
    pub name: String,
    /// Whether it belongs to the baseline.
    pub baseline: bool,
    /// Format that its content turned out to be in; none where it is empty or in none that is known.
    pub format: Option<String>,
    /// Compression; none where it is not compressed.
    pub compression: Option<String>,
    /// Size after decompression.
    pub bytes: u64,
    /// Spans that were read.
    pub spans: u64,
    /// Log events that were read.
    pub log_events: u64,
    /// Metric points that were read.
    pub metric_points: u64,
    /// What was put right, by kind.
    pub repaired: BTreeMap<String, u64>,
    /// What was left out, by kind.
    pub dropped: BTreeMap<String, u64>,
    /// Why it was not read at all, where it was not.
    pub skipped: Option<String>,
}
