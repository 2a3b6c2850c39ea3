//! What the report says of things of which only a part is held.

use crate::set::share_of_halvings;

/// What is held up to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThinnedKind {
    /// Spans, of which whole traces are held or not.
    Spans,
    /// Log events below `WARN`.
    LogEvents,
    /// Log events from `WARN` on.
    Warnings,
    /// Metric points.
    MetricPoints,
}

/// How much there was of something and how much of it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thinned {
    /// How many there were.
    pub read: u64,
    /// How many are held.
    pub held: u64,
    /// How many are held at most.
    pub limit: u64,
    pub(super) halvings: u32,
}

impl Thinned {
    /// Share that was chosen to be held, a negative power of two. For spans it is the share of
    /// traces.
    pub fn share(&self) -> f64 {
        share_of_halvings(self.halvings)
    }

    /// A sentence about it.
    pub(super) fn note(&self, kind: ThinnedKind) -> String {
        let (what, one, how, alike) = match kind {
            ThinnedKind::Spans => ("spans", "one trace", "chosen by its id", "of one trace"),
            ThinnedKind::LogEvents => (
                "log events below WARN",
                "one",
                "chosen by its hash",
                "alike",
            ),
            ThinnedKind::Warnings => (
                "log events from WARN on",
                "one",
                "chosen by its hash",
                "alike",
            ),
            ThinnedKind::MetricPoints => (
                "metric points",
                "one moment",
                "chosen by process and time",
                "of one moment",
            ),
        };
        let (read, limit) = (in_thousands(self.read), in_thousands(self.limit));
        let more = format!("{read} {what} are more than are held at once ({limit})");
        match (self.held, 1_u64.checked_shl(self.halvings)) {
            (1.., Some(parts)) => {
                let parts = in_thousands(parts);
                format!("{more}: {one} in {parts} was kept, {how}.")
            }
            _ => format!("{more}, and none could be kept, since most are {alike}."),
        }
    }
}

/// A number with a comma after each thousand.
fn in_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_held_is_told_in_words() {
        let thinned = |read, held, halvings| Thinned {
            read,
            held,
            limit: 4_000_000,
            halvings,
        };
        let notes = [
            thinned(20_000_000, 2_498_211, 3).note(ThinnedKind::Spans),
            thinned(4_000_001, 0, 65).note(ThinnedKind::Spans),
            thinned(9_000_000, 2_100_000, 2).note(ThinnedKind::LogEvents),
            thinned(9_000_000_000, 3_000_000, 12).note(ThinnedKind::MetricPoints),
        ];
        insta::assert_snapshot!(notes.join("\n"), @"
        20,000,000 spans are more than are held at once (4,000,000): one trace in 8 was kept, chosen by its id.
        4,000,001 spans are more than are held at once (4,000,000), and none could be kept, since most are of one trace.
        9,000,000 log events below WARN are more than are held at once (4,000,000): one in 4 was kept, chosen by its hash.
        9,000,000,000 metric points are more than are held at once (4,000,000): one moment in 4,096 was kept, chosen by process and time.
        ");
    }
}
