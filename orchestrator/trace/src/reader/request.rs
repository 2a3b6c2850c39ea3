//! One request of OTLP by itself, as it comes over the network.

use super::merge::Renumbering;
use crate::formats::{otlp_json, otlp_protobuf};
use crate::oddities::Dropped;
use crate::part::Part;
use crate::read_error::ReadProblem;
use crate::set::Observations;
use crate::signal::Signal;

/// What one request of OTLP holds, read by the code that reads files of them.
///
/// A span, log record or metric point that a [`Reader`](crate::Reader) would leave out is left out
/// here as well, and counted. Texts are numbered by themselves until the request is appended, so
/// that requests can be read at the same time.
#[derive(Debug, Default)]
pub struct OtlpRequest {
    part: Part,
}

/// What of a request cannot be kept, without the rest.
const REJECTED: [Dropped; 7] = [
    Dropped::ZeroTraceId,
    Dropped::ZeroSpanId,
    Dropped::NoStart,
    Dropped::BadSpan,
    Dropped::BadLogEvent,
    Dropped::BadPoint,
    Dropped::UnsupportedMetric,
];

impl OtlpRequest {
    /// Reads a request about this in protobuf.
    ///
    /// # Errors
    /// Where it is no such request as a whole.
    pub fn from_protobuf(signal: Signal, bytes: &[u8]) -> Result<OtlpRequest, ReadProblem> {
        let mut part = Part::default();
        otlp_protobuf::read_request(&mut part, Some(signal), bytes, false);
        OtlpRequest::new(part, signal)
    }

    /// Reads a request about this in JSON.
    ///
    /// # Errors
    /// Where it is no such request as a whole.
    pub fn from_json(signal: Signal, bytes: &[u8]) -> Result<OtlpRequest, ReadProblem> {
        let mut part = Part::default();
        otlp_json::read_request(&mut part, &String::from_utf8_lossy(bytes))?;
        OtlpRequest::new(part, signal)
    }

    fn new(part: Part, signal: Signal) -> Result<OtlpRequest, ReadProblem> {
        let broken = [Dropped::BadLine, Dropped::CutLine].map(|kind| part.tally.count(kind));
        if broken != [0, 0] {
            let mut faults = part.faults.into_iter();
            let (_, problem) = faults.next().expect("what is broken is a fault");
            return Err(problem);
        }
        let request = OtlpRequest { part };
        match request.is_about_nothing_but(signal) {
            true => Ok(request),
            false => Err(ReadProblem::Wire {
                expected: "telemetry of one signal",
                found: "there is other telemetry",
            }),
        }
    }

    fn is_about_nothing_but(&self, signal: Signal) -> bool {
        let seen = &self.part.seen;
        let counts = [
            (Signal::Spans, seen.traces.spans().len()),
            (Signal::Logs, seen.logs.len()),
            (Signal::Metrics, seen.metrics.len()),
        ];
        let mut others = counts.into_iter().filter(|&(found, _)| found != signal);
        others.all(|(_, count)| count == 0)
    }

    /// What is kept of it.
    pub fn observations(&self) -> &Observations {
        &self.part.seen
    }

    /// Spans, log records and metric points that are kept.
    pub fn kept(&self) -> u64 {
        let seen = &self.part.seen;
        (seen.traces.spans().len() + seen.logs.len() + seen.metrics.len()) as u64
    }

    /// Spans, log records and metric points that are not.
    pub fn rejected(&self) -> u64 {
        let counts = REJECTED.map(|kind| self.part.tally.count(kind));
        counts.into_iter().sum()
    }

    /// Appends what is kept, in its order.
    pub fn append_to(self, to: &mut Observations) {
        let Observations {
            mut traces,
            logs,
            metrics,
        } = self.part.seen;
        let spans = std::mem::take(traces.spans_mut());
        let mut names = Renumbering::new(traces);
        let set = &mut to.traces;
        names.take_all(set);
        for mut span in spans {
            names.span(set, &mut span);
            set.push(span);
        }
        for mut event in logs {
            names.log(set, &mut event);
            to.logs.push(event);
        }
        for mut point in metrics {
            names.metric(set, &mut point);
            to.metrics.push(point);
        }
    }
}
