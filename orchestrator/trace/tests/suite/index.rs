//! Grouping into traces does not depend on the order of arrival.

use ragdoll_trace::{Span, SpanKind, Status, TraceIndex, TraceSet};

fn set_of(spans: &[(u128, u64, u64)]) -> TraceSet {
    let mut set = TraceSet::new();
    let resource = set.resource("gateway", "gateway-0");
    let name = set.intern("work");
    for &(trace_id, span_id, start_ns) in spans {
        set.push(Span {
            trace_id,
            span_id,
            parent_id: None,
            start_ns,
            end_ns: start_ns + 1,
            attributes: Box::default(),
            links: Box::default(),
            resource,
            name,
            kind: SpanKind::Internal,
            status: Status::Unset,
        });
    }
    set
}

fn grouped(set: &TraceSet) -> Vec<(u128, Vec<u64>)> {
    let index = TraceIndex::new(set);
    index
        .iter()
        .map(|trace| {
            let ids = trace
                .spans
                .iter()
                .map(|&at| set.spans()[at as usize].span_id);
            (trace.trace_id, ids.collect())
        })
        .collect()
}

#[test]
fn traces_by_id_and_spans_by_start() {
    let spans = [(9, 1, 50), (2, 7, 30), (9, 2, 40), (2, 6, 30), (5, 3, 1)];
    let expected = vec![(2, vec![6, 7]), (5, vec![3]), (9, vec![2, 1])];
    assert_eq!(grouped(&set_of(&spans)), expected);
    let mut reversed = spans;
    reversed.reverse();
    assert_eq!(grouped(&set_of(&reversed)), expected);
}

#[test]
fn a_trace_is_found_by_its_id() {
    let set = set_of(&[(9, 1, 50), (2, 7, 30)]);
    let index = TraceIndex::new(&set);
    assert_eq!(index.find(9).map(|trace| trace.spans), Some(&[0][..]));
    assert_eq!(index.find(3), None);
    assert!(TraceIndex::new(&TraceSet::new()).is_empty());
}
