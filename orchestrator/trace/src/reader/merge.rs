//! Putting parts together, with one set of symbols and no span twice.

use rustc_hash::FxHashMap;

use super::oddities::{Dropped, Repair, Tally};
use crate::set::{Observations, ResourceId, TraceSet};
use crate::span::{Span, SpanKind};
use crate::symbol::Symbol;
use crate::value::{Attribute, Value};

/// The numbers that a part's symbols and resources have in the whole.
struct Renumbering {
    symbols: Vec<Symbol>,
    resources: Vec<ResourceId>,
}

/// Appends a part. Symbols and resources are numbered by first appearance, as if all parts had been
/// read as one.
pub(super) fn append(
    whole: &mut Observations,
    part: Observations,
    ids: &mut SpanIds,
    tally: &mut Tally,
) {
    let new = Renumbering::of(&mut whole.traces, &part.traces);
    whole.traces.reserve(part.traces.spans().len());
    for mut span in part.traces.into_spans() {
        span.resource = new.resource(span.resource);
        span.name = new.symbol(span.name);
        new.attributes(&mut span.attributes);
        for link in &mut span.links {
            new.attributes(&mut link.attributes);
        }
        ids.push(&mut whole.traces, span, tally);
    }
    whole.logs.extend(part.logs.into_iter().map(|mut event| {
        event.resource = new.resource(event.resource);
        new.attributes(&mut event.fields);
        event
    }));
    whole
        .metrics
        .extend(part.metrics.into_iter().map(|mut point| {
            point.resource = new.resource(point.resource);
            point.name = new.symbol(point.name);
            point.unit = new.symbol(point.unit);
            new.attributes(&mut point.attributes);
            point
        }));
}

impl Renumbering {
    fn of(whole: &mut TraceSet, part: &TraceSet) -> Self {
        let symbols = (0..part.symbol_count() as u32)
            .map(|number| whole.intern(part.text(Symbol(number))))
            .collect();
        let mut new = Renumbering {
            symbols,
            resources: Vec::with_capacity(part.resources().len()),
        };
        for resource in part.resources() {
            let mut attributes = resource.attributes.to_vec();
            new.attributes(&mut attributes);
            let id = whole.resource_with(
                part.text(resource.service),
                part.text(resource.instance),
                attributes,
            );
            new.resources.push(id);
        }
        new
    }

    fn symbol(&self, symbol: Symbol) -> Symbol {
        self.symbols[symbol.0 as usize]
    }

    fn resource(&self, resource: ResourceId) -> ResourceId {
        self.resources[resource.0 as usize]
    }

    fn attributes(&self, attributes: &mut [Attribute]) {
        for attribute in attributes {
            attribute.key = self.symbol(attribute.key);
            self.value(&mut attribute.value);
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::Str(symbol) => *symbol = self.symbol(*symbol),
            Value::List(values) => values.iter_mut().for_each(|value| self.value(value)),
            Value::Map(entries) => self.attributes(entries),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Bytes(_) => {}
        }
    }
}

/// Which span has which id.
#[derive(Debug, Default)]
pub(super) struct SpanIds {
    /// Positions by a mixture of trace and span id; where two mixtures are equal the second stands
    /// a [`STEP`] further on.
    positions: FxHashMap<u64, u32>,
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl SpanIds {
    /// Adds a span to the set, unless it is there already.
    fn push(&mut self, set: &mut TraceSet, mut span: Span, tally: &mut Tally) {
        let slot = match self.find(set, span.trace_id, span.span_id) {
            Ok(slot) => slot,
            Err((slot, position)) => {
                let other = &set.spans()[position];
                let times = (span.start_ns, span.end_ns);
                if share_an_id(&span, other) && !self.is_paired_with(set, other, &span) {
                    tally.repaired(Repair::SharedSpanId);
                    return self.push_pair(set, span, slot, position);
                }
                if share_an_id(&span, other) || times == (other.start_ns, other.end_ns) {
                    return tally.dropped(Dropped::DuplicateSpan, 1);
                }
                tally.repaired(Repair::DuplicateSpanId);
                let (id, slot) = self.fresh_id(set, &span);
                span.span_id = id;
                slot
            }
        };
        self.positions.insert(slot, set.spans().len() as u32);
        set.push(span);
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
