use std::num::NonZeroU64;

use ragdoll_trace::{Attribute, Link, Span, SpanKind, Status, TraceIndex, Value};

use super::*;
use crate::facts::instances::Instances;

mod copies;
mod random;

/// Service, parent position, name, kind, start and end in nanoseconds.
type Row = (u8, Option<usize>, &'static str, SpanKind, u64, u64, Status);

const OK: Status = Status::Unset;

fn set_of(rows: &[Row]) -> TraceSet {
    let mut set = TraceSet::new();
    for (at, &(service, parent, name, kind, start_ns, end_ns, status)) in rows.iter().enumerate() {
        let resource = set.resource(&format!("s{service}"), "0");
        let name = set.intern(name);
        set.push(Span {
            trace_id: 1,
            span_id: at as u64 + 1,
            parent_id: parent.and_then(|parent| NonZeroU64::new(parent as u64 + 1)),
            start_ns,
            end_ns,
            attributes: Box::default(),
            links: Box::default(),
            resource,
            name,
            kind,
            status,
        });
    }
    set
}

/// Pieces with the service's name, in the order of services and causes, and the root's duration.
fn intervals(set: &TraceSet) -> (Vec<(String, Cause, u64)>, u64) {
    let names = Names::new(set);
    let instances = Instances::new(set, &names);
    let index = TraceIndex::new(set);
    let mut tree = Tree::default();
    tree.build(set, &names, &instances, index.trace(0));
    let mut intervals = Vec::new();
    Walk::default().whole_trace(&tree, set, &names, |interval| {
        intervals.push((
            instances.service_name_of(interval.instance).to_owned(),
            interval.cause,
            interval.ns,
        ));
    });
    intervals.sort();
    let root = tree.node(tree.root);
    (intervals, root.end_ns - root.start_ns)
}

fn expect(rows: &[Row], expected: &[(&str, Cause, u64)]) {
    let (found, duration_ns) = intervals(&set_of(rows));
    let expected: Vec<_> = expected
        .iter()
        .map(|&(service, cause, ns)| (service.to_owned(), cause, ns))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(
        found.iter().map(|interval| interval.2).sum::<u64>(),
        duration_ns
    );
}

#[test]
fn a_call_is_the_callers_work_the_network_and_the_callees_work() {
    expect(
        &[
            (0, None, "root", SpanKind::Server, 0, 100, OK),
            (0, Some(0), "call", SpanKind::Client, 10, 90, OK),
            (1, Some(1), "call", SpanKind::Server, 15, 80, OK),
            (1, Some(2), "queue.wait", SpanKind::Internal, 15, 40, OK),
        ],
        &[
            ("s0", Cause::Compute, 20),
            ("s1", Cause::Queue, 25),
            ("s1", Cause::Compute, 40),
            ("s1", Cause::Network, 15),
        ],
    );
}

#[test]
fn of_parallel_calls_the_last_to_end_is_charged() {
    expect(
        &[
            (0, None, "root", SpanKind::Server, 0, 100, OK),
            (1, Some(0), "work", SpanKind::Server, 0, 60, OK),
            (2, Some(0), "work", SpanKind::Server, 0, 100, OK),
        ],
        &[("s2", Cause::Compute, 100)],
    );
}

#[test]
fn a_hedged_call_is_charged_until_its_second_copy_starts() {
    expect(
        &[
            (0, None, "root", SpanKind::Server, 0, 100, OK),
            (1, Some(0), "work", SpanKind::Server, 0, 95, OK),
            (2, Some(0), "work", SpanKind::Server, 30, 90, OK),
        ],
        &[("s0", Cause::Compute, 5), ("s1", Cause::Compute, 95)],
    );
    expect(
        &[
            (0, None, "root", SpanKind::Server, 0, 100, OK),
            (1, Some(0), "work", SpanKind::Server, 0, 95, OK),
            (2, Some(0), "work", SpanKind::Server, 30, 100, OK),
        ],
        &[("s1", Cause::Compute, 30), ("s2", Cause::Compute, 70)],
    );
}

#[test]
fn with_a_fan_out_limit_the_chain_of_calls_is_followed() {
    expect(
        &[
            (0, None, "root", SpanKind::Server, 0, 12, OK),
            (1, Some(0), "work", SpanKind::Server, 0, 10, OK),
            (2, Some(0), "work", SpanKind::Server, 0, 3, OK),
            (3, Some(0), "work", SpanKind::Server, 3, 12, OK),
        ],
        &[("s2", Cause::Compute, 3), ("s3", Cause::Compute, 9)],
    );
}

#[test]
fn failed_attempts_and_their_backoff_are_the_callees_retries() {
    expect(
        &[
            (0, None, "root", SpanKind::Server, 0, 100, OK),
            (0, Some(0), "call", SpanKind::Client, 0, 40, Status::Error),
            (1, Some(1), "call", SpanKind::Server, 5, 35, Status::Error),
            (0, Some(0), "retry.backoff", SpanKind::Internal, 40, 60, OK),
            (0, Some(0), "call", SpanKind::Client, 60, 100, OK),
            (1, Some(4), "call", SpanKind::Server, 60, 100, OK),
        ],
        &[
            ("s1", Cause::Compute, 40),
            ("s1", Cause::Retries, 20),
            ("s1", Cause::Retries, 40),
        ],
    );
}

#[test]
fn a_child_outside_its_parent_is_cut() {
    expect(
        &[
            (0, None, "root", SpanKind::Server, 50, 100, OK),
            (1, Some(0), "early", SpanKind::Server, 0, 60, OK),
            (2, Some(0), "late", SpanKind::Server, 90, 140, OK),
            (3, Some(0), "never", SpanKind::Server, 200, 300, OK),
        ],
        &[
            ("s0", Cause::Compute, 30),
            ("s1", Cause::Compute, 10),
            ("s2", Cause::Compute, 10),
        ],
    );
}

#[test]
fn work_that_outlives_its_span_is_not_waited_for() {
    const MS: u64 = 1_000_000;
    let (server, client) = (SpanKind::Server, SpanKind::Client);
    for kind in [SpanKind::Producer, SpanKind::Consumer] {
        expect(
            &[
                (0, None, "root", server, 0, 100 * MS, OK),
                (1, Some(0), "later", kind, 10 * MS, 500 * MS, OK),
            ],
            &[("s0", Cause::Compute, 100 * MS)],
        );
    }
    expect(
        &[
            (0, None, "root", server, 0, 100 * MS, OK),
            (
                0,
                Some(0),
                "in the background",
                SpanKind::Internal,
                MS,
                500 * MS,
                OK,
            ),
            (0, Some(0), "call", client, 20 * MS, 30 * MS, OK),
            (1, Some(2), "call", server, 20 * MS, 30 * MS, OK),
        ],
        &[
            ("s0", Cause::Compute, 90 * MS),
            ("s1", Cause::Compute, 10 * MS),
        ],
    );
    // A message that was answered within the span was waited for.
    expect(
        &[
            (0, None, "root", server, 0, 100 * MS, OK),
            (
                1,
                Some(0),
                "handle",
                SpanKind::Consumer,
                10 * MS,
                60 * MS,
                OK,
            ),
        ],
        &[
            ("s0", Cause::Compute, 50 * MS),
            ("s1", Cause::Compute, 50 * MS),
        ],
    );
    // A span that failed did not end of its own accord: until then it waited.
    expect(
        &[
            (0, None, "root", server, 0, 100 * MS, Status::Error),
            (
                0,
                Some(0),
                "queue.wait",
                SpanKind::Internal,
                10 * MS,
                500 * MS,
                OK,
            ),
        ],
        &[
            ("s0", Cause::Queue, 90 * MS),
            ("s0", Cause::Compute, 10 * MS),
        ],
    );
}

#[test]
fn an_answer_that_streams_until_its_span_ends_is_charged_to_the_end() {
    expect(
        &[
            (0, None, "root", SpanKind::Server, 0, 100, OK),
            (0, Some(0), "call", SpanKind::Client, 10, 100, OK),
            (1, Some(1), "call", SpanKind::Server, 12, 100, OK),
            (1, Some(2), "gen_ai.prefill", SpanKind::Internal, 12, 40, OK),
            (1, Some(2), "gen_ai.decode", SpanKind::Internal, 40, 100, OK),
        ],
        &[
            ("s0", Cause::Compute, 10),
            ("s1", Cause::Compute, 28),
            ("s1", Cause::Compute, 60),
            ("s1", Cause::Network, 2),
        ],
    );
}

#[test]
fn links_lead_nowhere_on_the_path() {
    let mut set = set_of(&[
        (0, None, "root", SpanKind::Server, 0, 100, OK),
        (1, Some(0), "work", SpanKind::Server, 10, 60, OK),
    ]);
    let (unlinked, _) = intervals(&set);
    let resource = set.resource("s1", "0");
    let name = set.intern("batch");
    set.push(Span {
        trace_id: 2,
        span_id: 9,
        parent_id: None,
        start_ns: 20,
        end_ns: 400,
        attributes: Box::default(),
        links: Box::new([Link {
            trace_id: 1,
            span_id: 2,
            attributes: Box::default(),
        }]),
        resource,
        name,
        kind: SpanKind::Consumer,
        status: OK,
    });
    assert_eq!(intervals(&set).0, unlinked);
}

#[test]
fn an_orphan_is_never_put_under_what_is_below_it() {
    // The call of `s1` by itself would do for its own ancestor, which starts with it.
    let mut set = set_of(&[
        (0, None, "root", SpanKind::Server, 0, 100, OK),
        (1, Some(70), "lost", SpanKind::Internal, 10, 90, OK),
        (1, Some(1), "call", SpanKind::Client, 10, 80, OK),
    ]);
    let key = set.intern("server.address");
    let value = Value::Str(set.intern("s1"));
    let mut again = TraceSet::new();
    for span in set.spans() {
        let mut span = span.clone();
        let service = set.service(span.resource).to_owned();
        span.name = again.intern(set.text(span.name));
        span.resource = again.resource(&service, "0");
        if span.kind == SpanKind::Client {
            let Value::Str(service) = &value else {
                unreachable!()
            };
            let value = Value::Str(again.intern(set.text(*service)));
            span.attributes = Box::new([Attribute::new(again.intern(set.text(key)), value)]);
        }
        again.push(span);
    }
    let (found, _) = intervals(&again);
    let expected = [
        ("s0".to_owned(), Cause::Compute, 20),
        ("s1".to_owned(), Cause::Compute, 10),
        ("s1".to_owned(), Cause::Compute, 70),
    ];
    assert_eq!(found, expected);
}
