//! What one chunk of a source holds.

use crate::oddities::{Dropped, Repair, Tally};
use crate::read_error::{Position, ReadProblem};
use crate::set::Observations;
use crate::span::{Span, SpanKind};

/// How many faults are kept with their text.
pub(crate) const MAX_FAULTS: usize = 5;

/// Spans, logs and metrics of one chunk with symbols of their own, and what was wrong with it.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) seen: Observations,
    pub(crate) tally: Tally,
    /// The first faults, at most [`MAX_FAULTS`].
    pub(crate) faults: Vec<(Position, ReadProblem)>,
    pub(crate) fault_count: u64,
    /// Where the record that is being read stands.
    pub(crate) at: Position,
}

impl Default for Part {
    fn default() -> Self {
        Part {
            seen: Observations::default(),
            tally: Tally::default(),
            faults: Vec::new(),
            fault_count: 0,
            at: Position::Line(1),
        }
    }
}

impl Part {
    /// Adds a span, after putting right what is wrong with its times.
    pub(crate) fn push_span(&mut self, mut span: Span) {
        if span.start_ns == 0 {
            self.drop(Dropped::NoStart);
            return;
        }
        if span.end_ns == 0 {
            span.end_ns = span.start_ns;
            self.tally.repaired(Repair::NoEnd);
        } else if span.end_ns < span.start_ns {
            span.end_ns = span.start_ns;
            self.tally.repaired(Repair::NegativeDuration);
        }
        if span.kind == SpanKind::Unspecified {
            self.tally.repaired(Repair::MissingKind);
        }
        self.seen.traces.push(span);
    }

    /// Counts something that is left out and needs no further words.
    pub(crate) fn drop(&mut self, kind: Dropped) {
        self.tally.dropped(kind, 1);
    }

    /// Counts something that is left out because of a problem; a text that ends too soon counts as
    /// that.
    pub(crate) fn fault(&mut self, kind: Dropped, problem: ReadProblem) {
        let kind = match kind {
            Dropped::BadLine if problem.is_cut() => Dropped::CutLine,
            kind => kind,
        };
        self.drop(kind);
        self.fault_count += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults.push((self.at, problem));
        }
    }
}
