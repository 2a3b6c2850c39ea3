//! What is there at the end.

use ragdoll_trace::Observations;

use crate::output::CollectError;

/// Everything that was collected.
#[derive(Debug)]
pub struct Collected {
    /// What the analyser reads. Of the logs, those at WARN and above and those that belong to no
    /// request: the others stay in the file.
    pub observations: Observations,
    /// Log lines of any severity.
    pub log_lines: u64,
}

/// Everything that a receiver collected, also where not all of it could be written.
#[derive(Debug)]
pub struct Received {
    /// What was collected, all of it.
    pub collected: Collected,
    /// How much came, and what became of it.
    pub counts: Counts,
    /// The first file that could not be written. The files are incomplete then, and `collected` is
    /// not.
    pub failure: Option<CollectError>,
}

/// How much came to a receiver, and what became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Spans that were kept.
    pub spans: u64,
    /// Log lines that were written, of which the severe ones were kept.
    pub log_lines: u64,
    /// Points of gauges and sums that were kept.
    pub metric_points: u64,
    /// Spans that were refused: without ids or a start, and not to be understood. Their senders were
    /// told.
    pub rejected_spans: u64,
    /// Log lines that were refused: without a time, and not to be understood. Their senders were told.
    pub rejected_log_lines: u64,
    /// Points that were refused: of histograms and summaries, and without a value or a time. Their
    /// senders were told.
    pub rejected_points: u64,
    /// Requests that were refused as a whole: unreadable, not meant for this receiver's paths, or
    /// too late. Their senders were told.
    pub refused_requests: u64,
    /// Spans, log lines and metric points that another collector took.
    pub forwarded: u64,
    /// Spans, log lines and metric points that it did not take, or that found no room in the queue.
    pub lost_in_forwarding: u64,
    /// Why the last of them were lost.
    pub last_forwarding_error: Option<String>,
}

impl Received {
    /// What was collected.
    ///
    /// # Errors
    /// The first file that could not be written; what was collected is lost with that.
    pub fn into_result(self) -> Result<Collected, CollectError> {
        match self.failure {
            None => Ok(self.collected),
            Some(failure) => Err(failure),
        }
    }
}
