//! Telemetry in a form that tests can ask.

use std::collections::BTreeMap;
use std::time::UNIX_EPOCH;

use ragdoll_model::InstanceId;
use ragdoll_telemetry::{Batch, ExportedSpan, SpanKind};
use serde_json::Value;

/// All that a system said.
pub(crate) struct Seen {
    pub(crate) spans: Vec<Span>,
    pub(crate) logs: Vec<Value>,
    pub(crate) samples: Vec<(String, &'static str, f64)>,
    /// Spans that were open when the scenario was over.
    pub(crate) left_open: usize,
    /// Everything as text, to compare two runs by.
    pub(crate) text: String,
}

/// A finished span.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) instance: String,
    pub(crate) name: String,
    pub(crate) kind: SpanKind,
    pub(crate) trace: String,
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    /// Unix time in microseconds.
    pub(crate) start_us: u64,
    pub(crate) end_us: u64,
    pub(crate) attributes: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn new(batch: &Batch, names: &[InstanceId], left_open: usize) -> Self {
        let name = |index: u32| names[index as usize].name();
        let lines = String::from_utf8(batch.logs.clone()).expect("log lines are UTF-8");
        let samples = batch.metrics.iter();
        let samples = samples.map(|one| (name(one.instance).to_owned(), one.gauge.name, one.value));
        let metrics = &batch.metrics;
        let spans = batch
            .spans
            .iter()
            .map(|one| Span::new(one, name(one.instance)));
        let spans: Vec<Span> = spans.collect();
        Seen {
            text: format!("{spans:#?}\n{lines}\n{metrics:#?}"),
            spans,
            logs: lines
                .lines()
                .map(|line| serde_json::from_str(line).expect("JSON lines"))
                .collect(),
            samples: samples.collect(),
            left_open,
        }
    }

    pub(crate) fn spans_of(&self, trace: &str) -> Vec<&Span> {
        self.spans
            .iter()
            .filter(|span| span.trace == trace)
            .collect()
    }

    /// The trace of the request with this id.
    pub(crate) fn trace_of(&self, request_id: &str) -> Vec<&Span> {
        let root = self
            .spans
            .iter()
            .find(|span| span.attribute("request.id") == request_id);
        self.spans_of(
            &root
                .unwrap_or_else(|| panic!("no span of {request_id}"))
                .trace,
        )
    }

    pub(crate) fn logs_of<'a>(&'a self, message: &'a str) -> impl Iterator<Item = &'a Value> {
        self.logs
            .iter()
            .filter(move |line| line["message"] == message)
    }

    /// The last sample of a gauge.
    pub(crate) fn gauge(&self, instance: &str, gauge: &str) -> f64 {
        let mut samples = self.samples.iter().rev();
        let found = samples.find(|(of, name, _)| of == instance && *name == gauge);
        found
            .unwrap_or_else(|| panic!("{instance} has no {gauge}"))
            .2
    }
}

impl Span {
    fn new(exported: &ExportedSpan, instance: &str) -> Self {
        let data = &exported.data;
        let unix_us = |time: std::time::SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).expect("after 1970");
            since.as_micros() as u64
        };
        let parent = data.parent_span_id.to_string();
        let attributes = data.attributes.iter();
        Span {
            instance: instance.to_owned(),
            name: data.name.to_string(),
            kind: data.span_kind.clone(),
            trace: data.span_context.trace_id().to_string(),
            id: data.span_context.span_id().to_string(),
            parent: (parent != "0000000000000000").then_some(parent),
            start_us: unix_us(data.start_time),
            end_us: unix_us(data.end_time),
            attributes: attributes
                .map(|one| (one.key.to_string(), one.value.to_string()))
                .collect(),
        }
    }

    /// The attribute's value as text; empty where the span has none.
    pub(crate) fn attribute(&self, key: &str) -> &str {
        self.attributes.get(key).map_or("", String::as_str)
    }

    pub(crate) fn error(&self) -> &str {
        self.attribute("error.type")
    }

    pub(crate) fn is(&self, kind: SpanKind, name: &str) -> bool {
        self.kind == kind && self.name == name
    }

    pub(crate) fn length_us(&self) -> u64 {
        self.end_us - self.start_us
    }
}
