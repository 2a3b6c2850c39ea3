//! What came of a scenario on one transport, in words that findings use.

use std::collections::BTreeMap;

use ragdoll_fault_layers::WitnessReport;
use ragdoll_telemetry::SpanKind;

use super::transport::Transport;
use crate::common::Seen;
use crate::common::seen::Span;

/// No scenario lets anybody wait for less.
const SHORTEST_WAIT_US: u64 = 20 * super::MS;

/// What came of a scenario.
pub(crate) struct Outcome<T> {
    pub(crate) transport: Transport,
    /// What the scenario returned.
    pub(crate) answer: T,
    /// What the system said.
    pub(crate) seen: Seen,
    /// What each fault did.
    pub(crate) witnesses: Vec<WitnessReport>,
    /// Zero of the run's clock in microseconds of Unix time.
    pub(crate) epoch_unix_us: u64,
}

impl<T> Outcome<T> {
    /// Whether time is virtual, and every duration exact.
    pub(crate) fn is_exact(&self) -> bool {
        self.transport == Transport::Virtual
    }

    /// Something took `expected_us`: exactly where time is virtual, at least where it is real.
    #[track_caller]
    pub(crate) fn assert_took(&self, what: &str, found_us: u64, expected_us: u64) {
        if self.is_exact() {
            assert_eq!(found_us, expected_us, "{what}");
        } else {
            assert!(found_us >= expected_us, "{what} took {found_us} us");
        }
    }

    /// Something happened at `expected_us` of the run: exactly then where time is virtual, not
    /// before where it is real.
    #[track_caller]
    pub(crate) fn assert_at(&self, what: &str, unix_us: u64, expected_us: u64) {
        self.assert_took(what, self.run_us(unix_us), expected_us);
    }

    /// Microseconds of the run at a time of a span.
    pub(crate) fn run_us(&self, unix_us: u64) -> u64 {
        unix_us - self.epoch_unix_us
    }

    /// Spans of this name by this instance, in the order in which they began.
    pub(crate) fn spans(&self, instance: &str, name: &str) -> Vec<&Span> {
        let spans = self.seen.spans.iter();
        let mut spans: Vec<&Span> = spans
            .filter(|span| span.instance == instance && span.name == name)
            .collect();
        spans.sort_by_key(|span| (span.start_us, span.end_us));
        spans
    }

    /// Waits of this name by this instance. Between two looks at a real clock it may tick, and on a
    /// busy machine more than once, so that a wait that was none has some length: only those that
    /// are long enough to be a scenario's count.
    pub(crate) fn waits(&self, instance: &str, name: &str) -> Vec<&Span> {
        self.waits_over(SHORTEST_WAIT_US, instance, name)
    }

    /// The same of those of `least_us` or more, where somebody's work begins on a task of its own,
    /// which may take a while to run.
    pub(crate) fn waits_over(&self, least_us: u64, instance: &str, name: &str) -> Vec<&Span> {
        let mut waits = self.spans(instance, name);
        waits.retain(|wait| wait.length_us() >= least_us);
        waits
    }

    /// The callers' sides of the calls of a service, in the order in which they began.
    pub(crate) fn calls(&self, service: &str) -> Vec<&Span> {
        let spans = self.seen.spans.iter().filter(|span| {
            span.kind == SpanKind::Client && span.attribute("server.address") == service
        });
        let mut calls: Vec<&Span> = spans.collect();
        calls.sort_by_key(|span| (span.start_us, span.end_us));
        calls
    }

    /// The server's side of what an instance served, in the order in which it began.
    pub(crate) fn served(&self, instance: &str) -> Vec<&Span> {
        let spans = self.seen.spans.iter();
        let mut served: Vec<&Span> = spans
            .filter(|span| span.instance == instance && span.kind == SpanKind::Server)
            .collect();
        served.sort_by_key(|span| (span.start_us, span.end_us));
        served
    }

    /// The only one of the spans that an instance served.
    #[track_caller]
    pub(crate) fn the_served(&self, instance: &str) -> &Span {
        let served = self.served(instance);
        assert_eq!(served.len(), 1, "{instance} served {served:#?}");
        served[0]
    }

    /// The server's side of a call, where there is one.
    pub(crate) fn server_of(&self, call: &Span) -> Option<&Span> {
        let mut spans = self.seen.spans.iter();
        spans.find(|span| span.kind == SpanKind::Server && span.parent.as_ref() == Some(&call.id))
    }

    /// Messages of an instance's log lines.
    pub(crate) fn log_of(&self, instance: &str) -> Vec<&str> {
        let lines = self.seen.logs.iter();
        let lines = lines.filter(|line| line["instance"] == instance);
        lines.filter_map(|line| line["message"].as_str()).collect()
    }

    /// Every request has one trace, in which every span's parent is there, and nothing was left
    /// open: what holds wherever no process died.
    #[track_caller]
    pub(crate) fn assert_whole(&self) {
        let spans = &self.seen.spans;
        let by_id: BTreeMap<&str, &Span> = spans.iter().map(|span| (&*span.id, span)).collect();
        let mut roots: BTreeMap<&str, u32> = BTreeMap::new();
        for span in spans {
            match &span.parent {
                None => *roots.entry(&span.trace).or_default() += 1,
                Some(id) => {
                    let parent = by_id.get(&**id);
                    let parent = parent.unwrap_or_else(|| panic!("no parent of {span:#?}"));
                    assert_eq!(parent.trace, span.trace, "{span:#?} of {parent:#?}");
                    assert!(parent.start_us <= span.start_us, "{span:#?} of {parent:#?}");
                }
            }
        }
        assert!(roots.values().all(|count| *count == 1), "{roots:?}");
        assert_eq!(self.seen.left_open, 0);
    }
}

/// The one duration that a group of spans has in common: how long all of them ran at once.
/// `None` where at no time all of them did.
pub(crate) fn all_at_once(spans: &[&Span]) -> Option<u64> {
    let last_start_us = spans.iter().map(|span| span.start_us).max()?;
    let first_end_us = spans.iter().map(|span| span.end_us).min()?;
    first_end_us.checked_sub(last_start_us)
}

/// Whether each of these begins only when the one before is over.
pub(crate) fn one_after_the_other(spans: &[&Span]) -> bool {
    spans
        .windows(2)
        .all(|pair| pair[0].end_us <= pair[1].start_us)
}
