//! Small recordings of a shop: a service that asks a stock service and then its database.

use serde_json::{Value, json};

/// Requests of a recording: one every half second.
pub(crate) const REQUESTS: u64 = 120;
const EVERY_MS: u64 = 500;
/// 2026-03-01T10:00:00Z.
const EPOCH_MS: u64 = 1_772_359_200_000;

/// One span of the shop, times in microseconds from the beginning of the recording.
struct Span {
    id: u64,
    parent: Option<u64>,
    service: &'static str,
    name: &'static str,
    kind: &'static str,
    from_us: u64,
    to_us: u64,
    failed: bool,
}

/// What the requests of a recording go through.
#[derive(Clone, Copy)]
pub(crate) struct Shop {
    /// First request, in milliseconds of the recording.
    pub(crate) from_ms: u64,
    /// Milliseconds that each query of the database takes longer than usual.
    pub(crate) slower_ms: u64,
    /// Of so many requests one fails at the database; 0 for none.
    pub(crate) one_fails_of: u64,
}

pub(crate) const CALM: Shop = Shop {
    from_ms: 0,
    slower_ms: 0,
    one_fails_of: 0,
};

pub(crate) const SLOW: Shop = Shop {
    from_ms: 60_000,
    slower_ms: 180,
    ..CALM
};

impl Shop {
    /// The spans of a request: the shop asks a stock service and then its database.
    fn request(&self, at: u64) -> Vec<Span> {
        let begin_us = (self.from_ms + at * EVERY_MS) * 1000;
        let stock_us = 4_000 + at * 7 % 11 * 300;
        let query_us = 12_000 + at * 5 % 13 * 700 + self.slower_ms * 1000;
        let failed = self.one_fails_of > 0 && at.is_multiple_of(self.one_fails_of);
        let id = |number: u64| (self.from_ms + at + 1) * 16 + number;
        let mut clock_us = begin_us + 1_500;
        let mut spans = Vec::new();
        for (number, service, name, us, failed) in [
            (2, "stock", "GET /stock", stock_us, false),
            (4, "orders-db", "SELECT orders", query_us, failed),
        ] {
            let (from_us, to_us) = (clock_us, clock_us + us + 1_000);
            spans.push(Span {
                id: id(number),
                parent: Some(id(1)),
                service: "shop",
                name,
                kind: "client",
                from_us,
                to_us,
                failed,
            });
            spans.push(Span {
                id: id(number + 1),
                parent: Some(id(number)),
                service,
                name,
                kind: "server",
                from_us: from_us + 500,
                to_us: to_us - 500,
                failed,
            });
            clock_us = to_us + 800;
        }
        spans.push(Span {
            id: id(1),
            parent: None,
            service: "shop",
            name: "POST /checkout",
            kind: "server",
            from_us: begin_us,
            to_us: clock_us + 700,
            failed,
        });
        spans
    }

    fn trace_id(&self, at: u64) -> String {
        format!("{:032x}", u128::from(self.from_ms + at + 1) << 64 | 0xabc)
    }

    /// OTLP JSON, a request a line.
    pub(crate) fn otlp(&self) -> String {
        let lines = (0..REQUESTS).map(|at| {
            let trace_id = self.trace_id(at);
            let spans = self.request(at);
            let batches: Vec<Value> = spans
                .iter()
                .map(|span| otlp_batch(&trace_id, span))
                .collect();
            json!({ "resourceSpans": batches }).to_string() + "\n"
        });
        lines.collect()
    }

    /// JSON as Jaeger's user interface downloads it.
    pub(crate) fn jaeger(&self) -> String {
        let traces: Vec<Value> = (0..REQUESTS)
            .map(|at| {
                let trace_id = self.trace_id(at);
                let spans = self.request(at);
                let spans: Vec<Value> = spans
                    .iter()
                    .map(|span| jaeger_span(&trace_id, span))
                    .collect();
                let process = |name: &str| json!({ "serviceName": name, "tags": [] });
                json!({
                    "traceID": trace_id,
                    "spans": spans,
                    "processes": {
                        "shop": process("shop"),
                        "stock": process("stock"),
                        "orders-db": process("orders-db"),
                    },
                })
            })
            .collect();
        json!({ "data": traces }).to_string()
    }
}

fn otlp_batch(trace_id: &str, span: &Span) -> Value {
    let attribute =
        |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let mut attributes = Vec::new();
    if span.failed && span.kind == "server" {
        attributes.push(attribute("error.type", "deadlock_detected"));
    }
    let kind = if span.kind == "server" { 2 } else { 3 };
    let unix_ns = |us: u64| (EPOCH_MS * 1_000_000 + us * 1000).to_string();
    json!({
        "resource": { "attributes": [
            attribute("service.name", span.service),
            attribute("service.instance.id", &format!("{}-7f", span.service)),
        ] },
        "scopeSpans": [{ "spans": [{
            "traceId": trace_id,
            "spanId": format!("{:016x}", span.id),
            "parentSpanId": span.parent.map_or(String::new(), |id| format!("{id:016x}")),
            "name": span.name,
            "kind": kind,
            "startTimeUnixNano": unix_ns(span.from_us),
            "endTimeUnixNano": unix_ns(span.to_us),
            "attributes": attributes,
            "status": { "code": if span.failed { 2 } else { 0 } },
        }] }],
    })
}

fn jaeger_span(trace_id: &str, span: &Span) -> Value {
    let references: Vec<Value> = span
        .parent
        .iter()
        .map(|id| json!({ "refType": "CHILD_OF", "traceID": trace_id, "spanID": format!("{id:016x}") }))
        .collect();
    json!({
        "traceID": trace_id,
        "spanID": format!("{:016x}", span.id),
        "operationName": span.name,
        "references": references,
        "startTime": EPOCH_MS * 1000 + span.from_us,
        "duration": span.to_us - span.from_us,
        "tags": [{ "key": "span.kind", "type": "string", "value": span.kind }],
        "processID": span.service,
    })
}
