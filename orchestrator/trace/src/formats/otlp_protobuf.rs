//! Requests of OTLP's protobuf, of any signal. The messages of the three signals are alike down to
//! spans, metrics and log records, so a request does not say what it is: its items do.

use super::format::{Format, Outcome};
use super::head::{Head, Shape};
use super::otlp_frames::{is_frame, is_message};
use super::otlp_protobuf_items::{list, read_log, read_metric, read_span};
use super::wire::{Fault, Field, Message};
use crate::oddities::Dropped;
use crate::part::Part;
use crate::read_error::ReadProblem;
use crate::resource::ResourceId;
use crate::signal::Signal;

const EXPECTED: &str = "an OTLP request";

/// OTLP in protobuf: requests end to end, or behind a length each.
pub(super) struct OtlpProtobuf;

impl Format for OtlpProtobuf {
    fn name(&self) -> &'static str {
        "OTLP protobuf"
    }

    fn detect(&self, head: &Head<'_>) -> Option<Shape> {
        if is_frame(head.bytes) {
            return Some(Shape::Frames);
        }
        is_message(head.bytes).then_some(Shape::Messages)
    }

    fn read(&self, _: &mut Part, _: &str) -> Outcome {
        let found = "there is text";
        Outcome::Foreign(ReadProblem::Wire {
            expected: EXPECTED,
            found,
        })
    }

    fn read_message(&self, part: &mut Part, message: &[u8], is_cut: bool) {
        read_request(part, None, message, is_cut);
    }

    fn message_name(&self) -> &'static str {
        EXPECTED
    }
}

/// Reads a request, whose items tell what it is about where `signal` does not. Of one that `is_cut`
/// short, what is complete.
pub(crate) fn read_request(part: &mut Part, signal: Option<Signal>, bytes: &[u8], is_cut: bool) {
    let groups = match is_cut {
        true => Message::cut(bytes),
        false => Message::new(bytes),
    };
    for field in groups {
        let result = match field {
            Ok((1, Field::Bytes(group))) => read_group(part, signal, Message::new(group)),
            Ok((1, Field::Partial(group))) => read_group(part, signal, Message::cut(group)),
            Ok(_) => Ok(()),
            Err(fault) => Err(fault),
        };
        match result {
            Err(_) if is_cut => {}
            Err(fault) => part.fault(Dropped::BadLine, fault.problem(EXPECTED)),
            Ok(()) => {}
        }
    }
    if is_cut {
        part.fault(Dropped::CutLine, ReadProblem::Cut);
    }
}

/// Everything of one resource.
fn read_group(part: &mut Part, signal: Option<Signal>, group: Message<'_>) -> Result<(), Fault> {
    let mut described = Vec::new();
    for field in group {
        if let (1, Field::Bytes(resource)) = field? {
            described = list(&mut part.seen.traces, resource, 1)?;
        }
    }
    let id = super::resource::resource(&mut part.seen.traces, described, None, "");
    for field in group {
        // 1000 is where scopes stood for a while when they were called libraries.
        match field? {
            (2 | 1000, Field::Bytes(scope)) => read_scope(part, signal, id, Message::new(scope))?,
            (2 | 1000, Field::Partial(scope)) => read_scope(part, signal, id, Message::cut(scope))?,
            _ => {}
        }
    }
    Ok(())
}

fn read_scope(
    part: &mut Part,
    signal: Option<Signal>,
    resource: ResourceId,
    scope: Message<'_>,
) -> Result<(), Fault> {
    for field in scope {
        let (2, Field::Bytes(item)) = field? else {
            continue;
        };
        let (kind, expected, result) = match signal.unwrap_or_else(|| signal_of(item)) {
            Signal::Spans => {
                let result = read_span(part, resource, item);
                (Dropped::BadSpan, "an OTLP span", result)
            }
            Signal::Logs => {
                let result = read_log(part, resource, item);
                (Dropped::BadLogEvent, "an OTLP log record", result)
            }
            Signal::Metrics => {
                let result = read_metric(part, resource, item);
                (Dropped::BadPoint, "an OTLP metric", result)
            }
        };
        if let Err(fault) = result {
            part.fault(kind, fault.problem(expected));
        }
    }
    Ok(())
}

/// What an item is. A span has times in fields 7 and 8, where a metric has the message of a sum or
/// nothing; a log record has times in fields 1 and 11, or a number in field 2, where the other two
/// have text or messages. A span without times has two ids of fixed lengths.
fn signal_of(item: &[u8]) -> Signal {
    let (mut has_trace_id, mut has_span_id, mut has_data) = (false, false, false);
    for (number, field) in Message::new(item).filter_map(Result::ok) {
        match (number, field) {
            (7 | 8, Field::Fixed64(_)) => return Signal::Spans,
            (1 | 11, Field::Fixed64(_)) | (2, Field::Varint(_)) => return Signal::Logs,
            (1, Field::Bytes(bytes)) => has_trace_id = bytes.len() == 16,
            (2, Field::Bytes(bytes)) => has_span_id = bytes.len() == 8,
            (5 | 7 | 9..=11, Field::Bytes(_)) => has_data = true,
            _ => {}
        }
    }
    match has_trace_id && has_span_id && !has_data {
        true => Signal::Spans,
        false => Signal::Metrics,
    }
}
