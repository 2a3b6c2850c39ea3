//! A small language for traces.

pub(crate) mod metered;
pub(crate) mod system;

use std::num::NonZeroU64;

use ragdoll_analyser::Window;
use ragdoll_trace::{
    Attribute, LogEvent, MetricPoint, Observations, Severity, Span, SpanKind, Status, Value,
};

pub(crate) const EPOCH_MS: f64 = 1_700_000_000_000.0;

/// Milliseconds after the epoch as nanoseconds.
pub(crate) fn ns(ms: f64) -> u64 {
    EPOCH_MS as u64 * 1_000_000 + (ms * 1e6) as u64
}

pub(crate) fn window(from_s: f64, to_s: f64) -> Window {
    Window {
        start_ns: ns(from_s * 1e3),
        end_ns: ns(to_s * 1e3),
    }
}

/// An attribute value before it is interned.
pub(crate) enum Attr {
    Text(String),
    Int(i64),
}

/// One span before it is interned: what differs from an internal span without attributes is said
/// by further calls.
pub(crate) struct SpanSpec {
    process: (String, String),
    name: String,
    kind: SpanKind,
    from_ms: f64,
    to_ms: f64,
    attributes: Vec<(&'static str, Attr)>,
    error: Option<String>,
    is_failed: bool,
    parent: Option<u64>,
}

pub(crate) fn span(
    service: &str,
    instance: &str,
    name: &str,
    from_ms: f64,
    to_ms: f64,
) -> SpanSpec {
    SpanSpec {
        process: (service.to_owned(), instance.to_owned()),
        name: name.to_owned(),
        kind: SpanKind::Internal,
        from_ms,
        to_ms,
        attributes: Vec::new(),
        error: None,
        is_failed: false,
        parent: None,
    }
}

impl SpanSpec {
    pub(crate) fn kind(mut self, kind: SpanKind) -> Self {
        self.kind = kind;
        self
    }

    pub(crate) fn under(mut self, parent: u64) -> Self {
        self.parent = Some(parent);
        self
    }

    pub(crate) fn text(mut self, key: &'static str, value: &str) -> Self {
        self.attributes.push((key, Attr::Text(value.to_owned())));
        self
    }

    pub(crate) fn int(mut self, key: &'static str, value: i64) -> Self {
        self.attributes.push((key, Attr::Int(value)));
        self
    }

    pub(crate) fn failed(mut self, error: Option<&str>) -> Self {
        self.error = error.map(str::to_owned);
        self
    }

    /// Fails without an `error.type`.
    pub(crate) fn broken(mut self) -> Self {
        self.is_failed = true;
        self
    }
}

/// Observations that grow.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) observations: Observations,
    next_span: u64,
}

impl Book {
    /// Reserves a span id, for children that are written before their parents.
    pub(crate) fn id(&mut self) -> u64 {
        self.next_span += 1;
        self.next_span
    }

    pub(crate) fn add(&mut self, trace_id: u128, id: u64, spec: SpanSpec) {
        let set = &mut self.observations.traces;
        let resource = set.resource(&spec.process.0, &spec.process.1);
        let mut attributes: Vec<Attribute> = Vec::new();
        for (key, value) in spec.attributes {
            let value = match value {
                Attr::Text(text) => Value::Str(set.intern(&text)),
                Attr::Int(number) => Value::Int(number),
            };
            attributes.push(Attribute::new(set.intern(key), value));
        }
        if let Some(error) = &spec.error {
            let value = Value::Str(set.intern(error));
            attributes.push(Attribute::new(set.intern("error.type"), value));
        }
        let name = set.intern(&spec.name);
        set.push(Span {
            trace_id,
            span_id: id,
            parent_id: spec.parent.and_then(NonZeroU64::new),
            start_ns: ns(spec.from_ms),
            end_ns: ns(spec.to_ms),
            attributes: attributes.into(),
            links: Box::default(),
            resource,
            name,
            kind: spec.kind,
            status: if spec.error.is_some() || spec.is_failed {
                Status::Error
            } else {
                Status::Unset
            },
        });
    }

    pub(crate) fn log(&mut self, at_ms: f64, severity: Severity, service: &str, message: &str) {
        let set = &mut self.observations.traces;
        let resource = set.resource(service, &format!("{service}-0"));
        let restarts = Attribute::new(set.intern("restarts"), Value::Int(1));
        self.observations.logs.push(LogEvent {
            time_ns: ns(at_ms),
            severity,
            resource,
            trace_id: None,
            span_id: None,
            message: message.into(),
            fields: Box::new([restarts]),
        });
    }

    pub(crate) fn gauge(&mut self, at_ms: f64, service: &str, name: &str, value: f64) {
        let set = &mut self.observations.traces;
        let point = MetricPoint {
            time_ns: ns(at_ms),
            resource: set.resource(service, &format!("{service}-0")),
            name: set.intern(name),
            value,
            unit: set.intern("1"),
            attributes: Box::default(),
        };
        self.observations.metrics.push(point);
    }
}
