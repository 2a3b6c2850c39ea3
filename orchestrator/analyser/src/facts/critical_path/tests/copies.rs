//! Calls that are made twice at once, of which one is cancelled.

use super::*;

/// As [`set_of`], with what each span says of its failure and whether it is a second copy.
fn hedged_set(rows: &[(Row, Option<&str>, bool)]) -> TraceSet {
    let plain: Vec<Row> = rows.iter().map(|row| row.0).collect();
    let bare = set_of(&plain);
    let mut set = TraceSet::new();
    let (hedge, error_type) = (set.intern("rpc.hedge"), set.intern("error.type"));
    for (span, &(row, error, is_hedge)) in bare.spans().iter().zip(rows) {
        let mut span = span.clone();
        span.resource = set.resource(&format!("s{}", row.0), "0");
        span.name = set.intern(row.2);
        let mut attributes = Vec::new();
        if let Some(error) = error {
            let value = Value::Str(set.intern(error));
            attributes.push(Attribute::new(error_type, value));
        }
        if is_hedge {
            attributes.push(Attribute::new(hedge, Value::Bool(true)));
        }
        span.attributes = attributes.into();
        set.push(span);
    }
    set
}

/// A search that asks two copies of an index, of which one is cancelled; each row is a copy with its
/// service, its start and its end, and its call is cancelled where `lost` says so.
fn two_copies(first: (u8, u64, u64), second: (u8, u64, u64), lost: usize) -> TraceSet {
    let mut rows = vec![((0, None, "root", SpanKind::Server, 0, 100, OK), None, false)];
    for (copy, (service, from, to)) in [first, second].into_iter().enumerate() {
        let cancelled = (copy == lost).then_some("CANCELLED");
        let status = if copy == lost { Status::Error } else { OK };
        let call = (0, Some(0), "call", SpanKind::Client, from, to, status);
        let served = (
            service,
            Some(1 + 2 * copy),
            "call",
            SpanKind::Server,
            from,
            to,
            status,
        );
        rows.push((call, cancelled, copy == 1));
        rows.push((served, cancelled, false));
    }
    hedged_set(&rows)
}

fn outrun(set: &TraceSet) -> Vec<u32> {
    let names = Names::new(set);
    let instances = Instances::new(set, &names);
    let index = TraceIndex::new(set);
    let mut tree = Tree::default();
    tree.build(set, &names, &instances, index.trace(0));
    let outrun = (0..tree.len()).filter(|&at| tree.node(at).outrun);
    outrun.map(|at| tree.node(at).span).collect()
}

#[test]
fn a_copy_that_loses_owns_no_time_while_the_winner_works() {
    // The first copy is overtaken, and notices a moment after the answer came.
    let set = two_copies((1, 0, 93), (1, 30, 90), 0);
    assert_eq!(outrun(&set), [1]);
    let (found, _) = intervals(&set);
    let expected = [
        ("s0".to_owned(), Cause::Compute, 10),
        ("s1".to_owned(), Cause::Compute, 30),
        ("s1".to_owned(), Cause::Compute, 60),
    ];
    assert_eq!(found, expected);

    // The second copy was sent for nothing.
    let set = two_copies((1, 0, 90), (1, 30, 93), 1);
    assert_eq!(outrun(&set), [3]);
    let (found, _) = intervals(&set);
    let expected = [
        ("s0".to_owned(), Cause::Compute, 10),
        ("s1".to_owned(), Cause::Compute, 90),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_cancelled_call_of_another_service_is_no_copy() {
    assert!(outrun(&two_copies((1, 0, 93), (2, 30, 90), 0)).is_empty());
}

#[test]
fn a_call_that_was_cancelled_long_before_is_no_copy() {
    let late = 50_000_000;
    assert!(outrun(&two_copies((1, 0, 93), (1, 30, late), 0)).is_empty());
}
