//! What is sent to another receiver is there what it was here.

use std::num::NonZeroU64;

use proptest::prelude::*;
use ragdoll_trace::{Link, OtlpRequest, SpanKind};

use super::*;

/// What another receiver makes of a request, with the numbers of a set.
fn received(signal: Signal, request: impl prost::Message, set: TraceSet) -> Observations {
    let read = OtlpRequest::from_protobuf(signal, &request.encode_to_vec()).expect("a request");
    assert_eq!(read.rejected(), 0);
    let mut seen = Observations {
        traces: set,
        ..Observations::default()
    };
    read.append_to(&mut seen);
    seen
}

/// A value in a form that needs no set.
#[derive(Clone, Debug)]
enum Plain {
    Str(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Bytes(Vec<u8>),
    List(Vec<Plain>),
    Map(Vec<(String, Plain)>),
}

impl Plain {
    fn of(set: &mut TraceSet, plain: &Plain) -> Value {
        match plain {
            Plain::Str(text) => Value::Str(set.intern(text)),
            Plain::Int(number) => Value::Int(*number),
            Plain::Float(number) => Value::Float(*number),
            Plain::Bool(truth) => Value::Bool(*truth),
            Plain::Bytes(bytes) => Value::Bytes(Box::new(bytes.clone())),
            Plain::List(items) => {
                let items = items.iter().map(|item| Plain::of(set, item));
                Value::List(Box::new(items.collect()))
            }
            Plain::Map(entries) => Value::Map(Box::new(attributes(set, entries).into())),
        }
    }
}

fn attributes(set: &mut TraceSet, entries: &[(String, Plain)]) -> Box<[Attribute]> {
    let entries = entries.iter().map(|(key, value)| {
        let value = Plain::of(set, value);
        Attribute::new(set.intern(key), value)
    });
    entries.collect()
}

fn plain() -> impl Strategy<Value = Plain> {
    let leaf = prop_oneof![
        ".{0,8}".prop_map(Plain::Str),
        any::<i64>().prop_map(Plain::Int),
        (-1e9..1e9).prop_map(Plain::Float),
        any::<bool>().prop_map(Plain::Bool),
        proptest::collection::vec(any::<u8>(), 0..4).prop_map(Plain::Bytes),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let entry = ("[a-z.]{1,6}", inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..3).prop_map(Plain::List),
            proptest::collection::vec(entry, 0..3).prop_map(Plain::Map),
        ]
    })
}

fn entries() -> impl Strategy<Value = Vec<(String, Plain)>> {
    proptest::collection::vec(("x\\.[a-z.]{1,6}", plain()), 0..4)
}

proptest! {
    #[test]
    fn spans_come_back(
        ids in (1u128.., 1u64.., 0u64..),
        start_ns in 1u64..,
        length_ns in any::<u64>(),
        kind in 0i64..6,
        status in 0i64..3,
        message in ".{0,9}",
        entries in entries(),
        linked in proptest::option::of((1u128.., 1u64..)),
    ) {
        let mut set = TraceSet::new();
        let resource = set.resource("client", "client-0");
        let mut attributes = attributes(&mut set, &entries).into_vec();
        let status = Status::from_number(status).expect("a number of a status");
        if status == Status::Error && !message.is_empty() {
            let message = Value::Str(set.intern(&message));
            attributes.push(Attribute::new(set.intern(STATUS_MESSAGE), message));
        }
        let links = linked.map(|(trace_id, span_id)| Link {
            trace_id,
            span_id,
            attributes: Box::default(),
        });
        let span = Span {
            trace_id: ids.0,
            span_id: ids.1,
            parent_id: NonZeroU64::new(ids.2),
            start_ns,
            end_ns: start_ns.saturating_add(length_ns),
            attributes: attributes.into(),
            links: links.into_iter().collect(),
            resource,
            name: set.intern("query"),
            kind: SpanKind::from_number(kind).expect("a number of a kind"),
            status,
        };
        let request = spans(&set, std::slice::from_ref(&span));
        let seen = received(Signal::Spans, request, set);
        prop_assert_eq!(seen.traces.spans(), &[span]);
        prop_assert_eq!(seen.traces.resources().len(), 1);
    }

    #[test]
    fn log_lines_come_back(
        time_ns in 1u64..,
        severity in 0usize..5,
        ids in proptest::option::of((1u128.., 1u64..)),
        message in ".{0,9}",
        entries in entries(),
    ) {
        let mut set = TraceSet::new();
        let resource = set.resource("client", "client-0");
        let severities =
            [Severity::Trace, Severity::Debug, Severity::Info, Severity::Warn, Severity::Error];
        let event = LogEvent {
            time_ns,
            severity: severities[severity],
            resource,
            trace_id: ids.map(|ids| ids.0),
            span_id: ids.map(|ids| ids.1),
            message: message.into(),
            fields: attributes(&mut set, &entries),
        };
        let request = logs(&set, std::slice::from_ref(&event));
        let seen = received(Signal::Logs, request, set);
        prop_assert_eq!(seen.logs, [event]);
    }
}

#[test]
fn points_come_back_gauge_by_gauge() {
    let mut set = TraceSet::new();
    let resource = set.resource("client", "client-0");
    let unit = set.intern("1");
    let names = [set.intern("queue.depth"), set.intern("lock.waiters")];
    let points: Vec<MetricPoint> = (0..4)
        .map(|number: u32| MetricPoint {
            time_ns: 1 + u64::from(number),
            resource,
            name: names[number as usize % 2],
            value: f64::from(number),
            unit,
            attributes: Box::default(),
        })
        .collect();
    let request = metrics(&set, &points);
    let seen = received(Signal::Metrics, request, set);
    let expected = [0, 2, 1, 3].map(|number: usize| points[number].clone());
    assert_eq!(seen.metrics, expected);
}
