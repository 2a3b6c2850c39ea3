//! What is not as it should be in telemetry, by kind.

use std::fmt;

/// Something that was put right, or that is odd and kept as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Repair {
    /// A span ended before it began: it counts as of no length.
    NegativeDuration,
    /// A span has no end: it counts as of no length.
    NoEnd,
    /// Another span of the trace has the same id: this one has a new id.
    DuplicateSpanId,
    /// A client and a server share one span id: the client's span has a new id and is the parent of
    /// the server's.
    SharedSpanId,
    /// A span does not say its kind.
    MissingKind,
    /// A kind or a status that there is not counts as not said.
    UnknownCode,
    /// A link without ids was left out.
    BadLink,
    /// Bytes that are not UTF-8 were replaced.
    InvalidUtf8,
}

impl Repair {
    /// All of them.
    pub const ALL: [Repair; 8] = [
        Repair::NegativeDuration,
        Repair::NoEnd,
        Repair::DuplicateSpanId,
        Repair::SharedSpanId,
        Repair::MissingKind,
        Repair::UnknownCode,
        Repair::BadLink,
        Repair::InvalidUtf8,
    ];

    /// What happened, after a number of spans or records.
    pub(crate) fn predicate(self, one: bool) -> &'static str {
        let (single, several) = match self {
            Repair::NegativeDuration => (
                "span ends before it begins and counts as of no length",
                "spans end before they begin and count as of no length",
            ),
            Repair::NoEnd => (
                "span has no end and counts as of no length",
                "spans have no end and count as of no length",
            ),
            Repair::DuplicateSpanId => (
                "span has the id of another span of its trace and was given a new one",
                "spans have the id of another span of their trace and were given new ones",
            ),
            Repair::SharedSpanId => (
                "pair of a client and a server span shares one id and was made parent and child",
                "pairs of a client and a server span share one id and were made parent and child",
            ),
            Repair::MissingKind => ("span does not say its kind", "spans do not say their kind"),
            Repair::UnknownCode => (
                "span has a kind or a status that does not exist, which counts as not said",
                "spans have a kind or a status that does not exist, which counts as not said",
            ),
            Repair::BadLink => (
                "link without valid ids was left out",
                "links without valid ids were left out",
            ),
            Repair::InvalidUtf8 => (
                "record is not UTF-8, and its odd bytes were replaced",
                "records are not UTF-8, and their odd bytes were replaced",
            ),
        };
        if one { single } else { several }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Repair::NegativeDuration => "negative duration",
            Repair::NoEnd => "no end",
            Repair::DuplicateSpanId => "duplicate span id",
            Repair::SharedSpanId => "span id shared by client and server",
            Repair::MissingKind => "missing kind",
            Repair::UnknownCode => "unknown kind or status",
            Repair::BadLink => "bad link",
            Repair::InvalidUtf8 => "not UTF-8",
        })
    }
}

/// Something that was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// A line, a JSON object or a message that cannot be understood.
    BadLine,
    /// A line or a message that ends in the middle, as when its writer was stopped.
    CutLine,
    /// A line, a JSON object or a message that is too long.
    HugeLine,
    /// A span without a trace id, or with one that is all zero.
    ZeroTraceId,
    /// A span without an id, or with one that is all zero.
    ZeroSpanId,
    /// A span that does not say when it began.
    NoStart,
    /// A span of which another field cannot be understood.
    BadSpan,
    /// A span that was already there: same trace, id, start and end.
    DuplicateSpan,
    /// An event within a span. Events are not analysed, but of the last exception of a span that
    /// failed its type and message are kept as attributes.
    SpanEvent,
    /// A log event that cannot be understood.
    BadLogEvent,
    /// A metric point that cannot be understood.
    BadPoint,
    /// A point of a metric that is neither a gauge nor a sum.
    UnsupportedMetric,
}

impl Dropped {
    /// All of them.
    pub const ALL: [Dropped; 12] = [
        Dropped::BadLine,
        Dropped::CutLine,
        Dropped::HugeLine,
        Dropped::ZeroTraceId,
        Dropped::ZeroSpanId,
        Dropped::NoStart,
        Dropped::BadSpan,
        Dropped::DuplicateSpan,
        Dropped::SpanEvent,
        Dropped::BadLogEvent,
        Dropped::BadPoint,
        Dropped::UnsupportedMetric,
    ];

    /// What was dropped, after a number.
    pub(crate) fn subject(self, one: bool) -> &'static str {
        let (single, several) = match self {
            Dropped::BadLine => (
                "record that cannot be understood was",
                "records that cannot be understood were",
            ),
            Dropped::CutLine => (
                "record that ends in the middle was",
                "records that end in the middle were",
            ),
            Dropped::HugeLine => (
                "record that is too long was",
                "records that are too long were",
            ),
            Dropped::ZeroTraceId => (
                "span without a trace id was",
                "spans without a trace id were",
            ),
            Dropped::ZeroSpanId => ("span without an id was", "spans without an id were"),
            Dropped::NoStart => ("span without a start was", "spans without a start were"),
            Dropped::BadSpan => (
                "span that cannot be understood was",
                "spans that cannot be understood were",
            ),
            Dropped::DuplicateSpan => (
                "span that was already there was",
                "spans that were already there were",
            ),
            Dropped::SpanEvent => ("event within a span was", "events within spans were"),
            Dropped::BadLogEvent => (
                "log event that cannot be understood was",
                "log events that cannot be understood were",
            ),
            Dropped::BadPoint => (
                "metric point that cannot be understood was",
                "metric points that cannot be understood were",
            ),
            Dropped::UnsupportedMetric => (
                "point of a metric that is neither a gauge nor a sum was",
                "points of metrics that are neither gauges nor sums were",
            ),
        };
        if one { single } else { several }
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Dropped::BadLine => "bad line",
            Dropped::CutLine => "cut mid-line",
            Dropped::HugeLine => "huge line",
            Dropped::ZeroTraceId => "zero trace id",
            Dropped::ZeroSpanId => "zero span id",
            Dropped::NoStart => "no start",
            Dropped::BadSpan => "bad span",
            Dropped::DuplicateSpan => "duplicate span",
            Dropped::SpanEvent => "span event",
            Dropped::BadLogEvent => "bad log event",
            Dropped::BadPoint => "bad metric point",
            Dropped::UnsupportedMetric => "unsupported metric type",
        })
    }
}

/// Counts by kind, as cheap to raise as an element of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    repaired: [u64; Repair::ALL.len()],
    dropped: [u64; Dropped::ALL.len()],
}

impl Tally {
    pub(crate) fn repaired(&mut self, kind: Repair) {
        self.repaired[kind as usize] += 1;
    }

    pub(crate) fn dropped(&mut self, kind: Dropped, count: u64) {
        self.dropped[kind as usize] += count;
    }

    /// How often this occurred.
    pub(crate) fn count(&self, kind: Dropped) -> u64 {
        self.dropped[kind as usize]
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        for (sum, more) in self.repaired.iter_mut().zip(other.repaired) {
            *sum += more;
        }
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += more;
        }
    }

    /// Kinds that occurred, with how often.
    pub(crate) fn repairs(&self) -> impl Iterator<Item = (Repair, u64)> {
        let counts = Repair::ALL.into_iter().zip(self.repaired);
        counts.filter(|&(_, count)| count > 0)
    }

    /// Kinds that occurred, with how often.
    pub(crate) fn drops(&self) -> impl Iterator<Item = (Dropped, u64)> {
        let counts = Dropped::ALL.into_iter().zip(self.dropped);
        counts.filter(|&(_, count)| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_place() {
        for (place, kind) in Repair::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{kind}");
        }
        for (place, kind) in Dropped::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place, "{kind}");
        }
    }
}
