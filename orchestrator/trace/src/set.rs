//! All spans of a run, with the text that they share.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::logs::LogEvent;
use crate::metrics::MetricPoint;
use crate::resource::{Resource, ResourceId};
use crate::span::Span;
use crate::symbol::{Interner, Symbol};
use crate::value::{Attribute, Value};

/// What a run left behind. Logs and metrics use the symbols and resources of `traces`.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Spans.
    pub traces: TraceSet,
    /// Log events, in the order of reading.
    pub logs: Vec<LogEvent>,
    /// Metric points, in the order of reading.
    pub metrics: Vec<MetricPoint>,
}

/// Spans in the order in which they were pushed, their resources, and every text of both.
#[derive(Clone, Debug, Default)]
pub struct TraceSet {
    interner: Interner,
    resources: Vec<Resource>,
    resource_by_names: FxHashMap<(Symbol, Symbol), ResourceId>,
    spans: Vec<Span>,
    halvings: u32,
}

impl TraceSet {
    /// An empty set.
    pub fn new() -> Self {
        TraceSet::default()
    }

    /// The symbol of a text, which is made where there is none yet.
    pub fn intern(&mut self, text: &str) -> Symbol {
        self.interner.intern(text)
    }

    /// The symbol of a text that the set already has.
    pub fn symbol(&self, text: &str) -> Option<Symbol> {
        self.interner.find(text)
    }

    /// Text of a symbol.
    ///
    /// # Panics
    /// Where the symbol is not of this set.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.interner.text(symbol)
    }

    /// Number of symbols: they are `Symbol(0)` up to this, excluded.
    pub fn symbol_count(&self) -> usize {
        self.interner.len()
    }

    /// The resource of a service's instance, which is made where there is none yet.
    pub fn resource(&mut self, service: &str, instance: &str) -> ResourceId {
        self.resource_with(service, instance, Vec::new())
    }

    /// As [`TraceSet::resource`]; `attributes`, without service and instance, are taken over where
    /// the resource is new.
    pub fn resource_with(
        &mut self,
        service: &str,
        instance: &str,
        attributes: Vec<Attribute>,
    ) -> ResourceId {
        let names = (self.intern(service), self.intern(instance));
        if let Some(&found) = self.resource_by_names.get(&names) {
            return found;
        }
        let id = ResourceId(self.resources.len() as u32);
        self.resources.push(Resource {
            service: names.0,
            instance: names.1,
            attributes: attributes.into(),
        });
        self.resource_by_names.insert(names, id);
        id
    }

    /// Resources; a [`ResourceId`] is the position.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// `service.name` of a resource.
    pub fn service(&self, resource: ResourceId) -> &str {
        self.text(self.resources[resource.0 as usize].service)
    }

    /// `service.instance.id` of a resource.
    pub fn instance(&self, resource: ResourceId) -> &str {
        self.text(self.resources[resource.0 as usize].instance)
    }

    /// Adds a span.
    ///
    /// # Panics
    /// Where the resource is not of this set.
    pub fn push(&mut self, span: Span) {
        assert!(
            (span.resource.0 as usize) < self.resources.len(),
            "span of {:?}, but the set has {} resources",
            span.resource,
            self.resources.len()
        );
        self.spans.push(span);
    }

    /// Makes room for this many further spans.
    pub fn reserve(&mut self, spans: usize) {
        self.spans.reserve(spans);
    }

    /// Spans in the order in which they were pushed.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    pub(crate) fn spans_mut(&mut self) -> &mut Vec<Span> {
        &mut self.spans
    }

    /// Share of the recording's traces that are held, 0 to 1, chosen evenly by their ids; 1 where
    /// all are. Of what is counted over traces, such as requests a second, the recording had as much
    /// as the set divided by this. It is what the [`Reader`](crate::Reader) chose, whatever the
    /// system had sampled before.
    pub fn trace_share(&self) -> f64 {
        share_of_halvings(self.halvings)
    }

    pub(crate) fn set_halvings(&mut self, halvings: u32) {
        self.halvings = halvings;
    }

    /// Value of a span's attribute, by the text of its key. Code that asks for many spans looks the
    /// key up once and uses [`Span::attribute`].
    pub fn attribute<'a>(&self, span: &'a Span, key: &str) -> Option<&'a Value> {
        span.attribute(self.symbol(key)?)
    }

    /// A value in words.
    pub fn display<'a>(&'a self, value: &Value) -> Cow<'a, str> {
        match value {
            Value::Str(symbol) => Cow::Borrowed(self.text(*symbol)),
            Value::Int(value) => Cow::Owned(value.to_string()),
            Value::Float(value) => Cow::Owned(value.to_string()),
            Value::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Value::Bytes(bytes) => Cow::Owned(format!("{} bytes", bytes.len())),
            Value::List(values) => {
                let words: Vec<_> = values.iter().map(|value| self.display(value)).collect();
                Cow::Owned(format!("[{}]", words.join(", ")))
            }
            Value::Map(entries) => {
                let words: Vec<_> = entries
                    .iter()
                    .map(|entry| {
                        format!("{}: {}", self.text(entry.key), self.display(&entry.value))
                    })
                    .collect();
                Cow::Owned(format!("{{{}}}", words.join(", ")))
            }
        }
    }

    pub(crate) fn is_json_plain(&self, symbol: Symbol) -> bool {
        self.interner.is_json_plain(symbol)
    }
}

/// What is left after this many halvings; exact, since it is a power of two.
pub(crate) fn share_of_halvings(halvings: u32) -> f64 {
    0.5_f64.powi(halvings.cast_signed())
}
