//! Spans by their ids, so that none is there twice.

use rustc_hash::FxHashMap;

use crate::oddities::{Dropped, Repair, Tally};
use crate::set::TraceSet;
use crate::span::{Span, SpanKind};

/// Which span has which id.
#[derive(Debug, Default)]
pub(super) struct SpanIds {
    /// Positions by a mixture of trace and span id; where two mixtures are equal the second stands
    /// a [`STEP`] further on.
    positions: FxHashMap<u64, u32>,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl SpanIds {
    /// Adds a span to the set, unless it is there already; says whether it was added.
    pub(super) fn push(&mut self, set: &mut TraceSet, mut span: Span, tally: &mut Tally) -> bool {
        let slot = match self.find(set, span.trace_id, span.span_id) {
            Ok(slot) => slot,
            Err((slot, position)) => {
                let other = &set.spans()[position];
                let times = (span.start_ns, span.end_ns);
                if share_an_id(&span, other) && !self.is_paired_with(set, other, &span) {
                    tally.repaired(Repair::SharedSpanId);
                    self.push_pair(set, span, slot, position);
                    return true;
                }
                if share_an_id(&span, other) || times == (other.start_ns, other.end_ns) {
                    tally.dropped(Dropped::DuplicateSpan, 1);
                    return false;
                }
                tally.repaired(Repair::DuplicateSpanId);
                let (id, slot) = self.fresh_id(set, &span);
                span.span_id = id;
                slot
            }
        };
        self.positions.insert(slot, set.spans().len() as u32);
        set.push(span);
        true
    }

    /// Starts again with the spans of the set from this one on, after others were let go.
    pub(super) fn rebuild(&mut self, set: &TraceSet, from: usize) {
        self.positions.clear();
        for (position, span) in set.spans().iter().enumerate().skip(from) {
            if let Ok(slot) = self.find(set, span.trace_id, span.span_id) {
                self.positions.insert(slot, position as u32);
            }
        }
    }

    /// Whether a server's span is already the child of this client's, which was read before.
    fn is_paired_with(&self, set: &TraceSet, server: &Span, client: &Span) -> bool {
        let parent = server.parent_id.map_or(0, |id| id.get());
        let Err((_, position)) = self.find(set, server.trace_id, parent) else {
            return false;
        };
        let parent = &set.spans()[position];
        parent.kind == client.kind
            && (parent.start_ns, parent.end_ns) == (client.start_ns, client.end_ns)
    }

    /// Adds the other half of a call whose client and server have one id. What the server caused
    /// has that id as its parent, so the server keeps it and the client gets a new one.
    fn push_pair(&mut self, set: &mut TraceSet, mut span: Span, slot: u64, position: usize) {
        let (id, new_slot) = self.fresh_id(set, &span);
        let added = set.spans().len() as u32;
        let other = &mut set.spans_mut()[position];
        if span.kind == SpanKind::Client {
            span.span_id = id;
            other.parent_id = id.try_into().ok();
            self.positions.insert(new_slot, added);
        } else {
            other.span_id = id;
            span.parent_id = id.try_into().ok();
            self.positions.insert(slot, added);
            self.positions.insert(new_slot, position as u32);
        }
        set.push(span);
    }

    /// An id that the trace does not have, and the slot for it. It depends on nothing but what is
    /// there already; the number of spans in it keeps the search short where all have one id.
    fn fresh_id(&self, set: &TraceSet, span: &Span) -> (u64, u64) {
        let mut id = span.span_id ^ (set.spans().len() as u64).wrapping_mul(STEP);
        loop {
            id = mix(span.trace_id, id.wrapping_add(STEP));
            if id == 0 {
                continue;
            }
            if let Ok(slot) = self.find(set, span.trace_id, id) {
                return (id, slot);
            }
        }
    }

    /// The slot where a span of these ids would go, or the slot and the position of the one that
    /// is there.
    fn find(&self, set: &TraceSet, trace_id: u128, span_id: u64) -> Result<u64, (u64, usize)> {
        let mut slot = mix(trace_id, span_id);
        while let Some(&position) = self.positions.get(&slot) {
            let span = &set.spans()[position as usize];
            if (span.trace_id, span.span_id) == (trace_id, span_id) {
                return Err((slot, position as usize));
            }
            slot = slot.wrapping_add(STEP);
        }
        Ok(slot)
    }
}

/// Whether two spans of one id are the two sides of one call, as Zipkin's are.
fn share_an_id(a: &Span, b: &Span) -> bool {
    matches!(
        (a.kind, b.kind),
        (SpanKind::Client, SpanKind::Server) | (SpanKind::Server, SpanKind::Client)
    )
}

/// A number that looks random, from ids that may not.
pub(crate) fn mix(trace_id: u128, span_id: u64) -> u64 {
    let fold = |a: u64, b: u64| {
        let product = u128::from(a) * u128::from(b);
        (product >> 64) as u64 ^ product as u64
    };
    let trace = fold(
        (trace_id >> 64) as u64 ^ 0xa076_1d64_78bd_642f,
        trace_id as u64 ^ 0xe703_7ed1_a0b4_28db,
    );
    fold(
        trace ^ 0x8ebc_6af0_9c88_c6e3,
        span_id ^ 0x5899_65cc_7537_4cc3,
    )
}
