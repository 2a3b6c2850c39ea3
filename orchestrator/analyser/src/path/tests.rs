use std::num::NonZeroU64;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ragdoll_trace::{Span, SpanKind, Status, TraceIndex};

use super::*;
use crate::parties::Parties;

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
fn pieces(set: &TraceSet) -> (Vec<(String, Cause, u64)>, u64) {
    let names = Names::new(set);
    let parties = Parties::new(set, &names);
    let index = TraceIndex::new(set);
    let mut tree = Tree::default();
    tree.build(set, &names, &parties, index.trace(0));
    let mut pieces = Vec::new();
    Walk::default().whole_trace(&tree, set, &names, |piece| {
        pieces.push((
            parties.service_name_of(piece.party).to_owned(),
            piece.cause,
            piece.ns,
        ));
    });
    pieces.sort();
    let root = tree.node(tree.root);
    (pieces, root.end_ns - root.start_ns)
}

fn expect(rows: &[Row], expected: &[(&str, Cause, u64)]) {
    let (found, duration_ns) = pieces(&set_of(rows));
    let expected: Vec<_> = expected
        .iter()
        .map(|&(service, cause, ns)| (service.to_owned(), cause, ns))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(found.iter().map(|piece| piece.2).sum::<u64>(), duration_ns);
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

fn any_row() -> impl Strategy<Value = (u8, usize, usize, u8, u64, u64, bool)> {
    (
        0..4_u8,
        0..40_usize,
        0..6_usize,
        0..6_u8,
        0..1000_u64,
        0..1000_u64,
        any::<bool>(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        rng_seed: RngSeed::Fixed(20_260_102),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Parents may be missing (positions past the end), later spans, or the span itself; children
    /// may lie outside their parents and overlap.
    #[test]
    fn parts_sum_to_the_roots_duration(rows in prop::collection::vec(any_row(), 1..30)) {
        const NAMES: [&str; 6] =
            ["queue.wait", "lock.hold", "retry.backoff", "call", "work", "gen_ai.decode"];
        let rows: Vec<Row> = rows
            .into_iter()
            .enumerate()
            .map(|(at, (service, parent, name, kind, start_ns, length_ns, failed))| {
                let kind = SpanKind::from_number(i64::from(kind)).unwrap_or_default();
                let status = if failed { Status::Error } else { Status::Ok };
                let parent = (at > 0).then_some(parent);
                (service, parent, NAMES[name], kind, start_ns, start_ns + length_ns, status)
            })
            .collect();
        let (pieces, duration_ns) = pieces(&set_of(&rows));
        prop_assert_eq!(pieces.iter().map(|piece| piece.2).sum::<u64>(), duration_ns);
        prop_assert!(pieces.iter().all(|piece| piece.2 > 0));
    }
}
