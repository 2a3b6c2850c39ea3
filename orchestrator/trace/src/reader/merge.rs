//! Putting parts together, with one set of symbols.

use crate::logs::LogEvent;
use crate::metrics::MetricPoint;
use crate::resource::ResourceId;
use crate::set::{Observations, TraceSet};
use crate::span::Span;
use crate::symbol::Symbol;
use crate::value::{Attribute, Value};

/// The numbers that the symbols and resources of one set have in another, which gets them when they
/// are first asked for.
pub(super) struct Renumbering {
    from: TraceSet,
    symbols: Vec<Option<Symbol>>,
    resources: Vec<Option<ResourceId>>,
}

impl Renumbering {
    pub(super) fn new(from: TraceSet) -> Self {
        Renumbering {
            symbols: vec![None; from.symbol_count()],
            resources: vec![None; from.resources().len()],
            from,
        }
    }

    /// The set that is renumbered.
    pub(super) fn from(&self) -> &TraceSet {
        &self.from
    }

    /// Takes over everything in its order, used or not: as if all sets had been read as one.
    pub(super) fn take_all(&mut self, to: &mut TraceSet) {
        for number in 0..self.symbols.len() as u32 {
            self.symbol(to, Symbol(number));
        }
        for number in 0..self.resources.len() as u32 {
            self.resource(to, ResourceId(number));
        }
    }

    pub(super) fn span(&mut self, to: &mut TraceSet, span: &mut Span) {
        span.resource = self.resource(to, span.resource);
        span.name = self.symbol(to, span.name);
        self.attributes(to, &mut span.attributes);
        for link in &mut span.links {
            self.attributes(to, &mut link.attributes);
        }
    }

    pub(super) fn log(&mut self, to: &mut TraceSet, event: &mut LogEvent) {
        event.resource = self.resource(to, event.resource);
        self.attributes(to, &mut event.fields);
    }

    pub(super) fn metric(&mut self, to: &mut TraceSet, point: &mut MetricPoint) {
        point.resource = self.resource(to, point.resource);
        point.name = self.symbol(to, point.name);
        point.unit = self.symbol(to, point.unit);
        self.attributes(to, &mut point.attributes);
    }

    fn symbol(&mut self, to: &mut TraceSet, symbol: Symbol) -> Symbol {
        let from = &self.from;
        *self.symbols[symbol.0 as usize].get_or_insert_with(|| to.intern(from.text(symbol)))
    }

    fn resource(&mut self, to: &mut TraceSet, id: ResourceId) -> ResourceId {
        if let Some(known) = self.resources[id.0 as usize] {
            return known;
        }
        let mut attributes = self.from.resources()[id.0 as usize].attributes.to_vec();
        self.attributes(to, &mut attributes);
        let new = to.resource_with(self.from.service(id), self.from.instance(id), attributes);
        self.resources[id.0 as usize] = Some(new);
        new
    }

    fn attributes(&mut self, to: &mut TraceSet, attributes: &mut [Attribute]) {
        for attribute in attributes {
            attribute.key = self.symbol(to, attribute.key);
            self.value(to, &mut attribute.value);
        }
    }

    fn value(&mut self, to: &mut TraceSet, value: &mut Value) {
        match value {
            Value::Str(symbol) => *symbol = self.symbol(to, *symbol),
            Value::List(values) => {
                for value in values.iter_mut() {
                    self.value(to, value);
                }
            }
            Value::Map(entries) => self.attributes(to, entries),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Bytes(_) => {}
        }
    }
}

/// Builds the set's texts and resources anew from what is still there, numbered in the order of its
/// use: what only spans, log events and metric points used that were let go is gone with them.
pub(super) fn forget_unused(seen: &mut Observations) {
    let mut spans = std::mem::take(seen.traces.spans_mut());
    let mut names = Renumbering::new(std::mem::take(&mut seen.traces));
    let to = &mut seen.traces;
    for span in &mut spans {
        names.span(to, span);
    }
    for event in &mut seen.logs {
        names.log(to, event);
    }
    for point in &mut seen.metrics {
        names.metric(to, point);
    }
    *seen.traces.spans_mut() = spans;
}
