//! Traces as broken as they come: whatever the spans are, the parts of the critical path sum to the
//! root's duration to the nanosecond, and every walk ends.

use std::num::NonZeroU64;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use ragdoll_trace::{Attribute, Link, Span, SpanKind, Status, TraceIndex, TraceSet, Value};

use crate::answer::waterfall::waterfall;
use crate::facts::critical_path::Walk;
use crate::facts::instances::Instances;
use crate::facts::names::spans::Names;
use crate::facts::prepared::Prepared;
use crate::facts::tree::Tree;

const NAMES: [&str; 6] = [
    "queue.wait",
    "lock.hold",
    "retry.backoff",
    "call",
    "work",
    "gen_ai.decode",
];

const ERRORS: [&str; 4] = ["CANCELLED", "DEADLINE_EXCEEDED", "UNAVAILABLE", "499"];

#[derive(Clone, Debug)]
struct Any {
    service: u8,
    /// Ids are few, so that some are used twice; parents may be missing, later spans, the span
    /// itself, or a circle.
    id: u64,
    parent: Option<u64>,
    name: usize,
    kind: i64,
    start_ns: u64,
    end_ns: u64,
    error: Option<usize>,
    peer: Option<u8>,
    is_hedge: bool,
    link: Option<u64>,
}

fn any_time() -> impl Strategy<Value = (u64, u64)> {
    const EPOCH_NS: u64 = 1_700_000_000_000_000_000;
    let near = (0..1000_u64, 0..1000_u64).prop_map(|(start, length)| (start, start + length));
    // Milliseconds, where tolerances of clocks and of notice matter.
    let usual = (0..50_u64, 0..50_u64).prop_map(|(start, length)| {
        let start_ns = EPOCH_NS + start * 1_000_000;
        (start_ns, start_ns + length * 1_000_000)
    });
    let any = (any::<u64>(), any::<u64>());
    prop_oneof![6 => near, 3 => usual, 1 => any]
}

fn any_span() -> impl Strategy<Value = Any> {
    let place = (0..4_u8, 1..32_u64, prop::option::weighted(0.9, 1..40_u64));
    let what = (0..NAMES.len(), 0..6_i64, any_time());
    let more = (
        prop::option::weighted(0.3, 0..ERRORS.len()),
        prop::option::of(0..6_u8),
        any::<bool>(),
        prop::option::weighted(0.1, 1..40_u64),
    );
    (place, what, more).prop_map(|(place, what, more)| Any {
        service: place.0,
        id: place.1,
        parent: place.2,
        name: what.0,
        kind: what.1,
        start_ns: what.2.0,
        end_ns: what.2.1,
        error: more.0,
        peer: more.1,
        is_hedge: more.2,
        link: more.3,
    })
}

fn set_of(spans: &[Any]) -> TraceSet {
    let mut set = TraceSet::new();
    for span in spans {
        let mut attributes = Vec::new();
        if let Some(error) = span.error {
            let value = Value::Str(set.intern(ERRORS[error]));
            attributes.push(Attribute::new(set.intern("error.type"), value));
        }
        if let Some(peer) = span.peer {
            let value = Value::Str(set.intern(&format!("s{peer}")));
            attributes.push(Attribute::new(set.intern("server.address"), value));
        }
        if span.is_hedge {
            attributes.push(Attribute::new(set.intern("rpc.hedge"), Value::Bool(true)));
        }
        let link = span.link.map(|span_id| Link {
            trace_id: 1,
            span_id,
            attributes: Box::default(),
        });
        let resource = set.resource(&format!("s{}", span.service), "0");
        let name = set.intern(NAMES[span.name]);
        set.push(Span {
            trace_id: 1,
            span_id: span.id,
            parent_id: span.parent.and_then(NonZeroU64::new),
            start_ns: span.start_ns,
            end_ns: span.end_ns,
            attributes: attributes.into(),
            links: link.into_iter().collect(),
            resource,
            name,
            kind: SpanKind::from_number(span.kind).unwrap_or_default(),
            status: match span.error {
                Some(_) => Status::Error,
                None => Status::Unset,
            },
        });
    }
    set
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 4000,
        rng_seed: RngSeed::Fixed(20_260_102),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn parts_sum_to_the_durations_of_root_and_process(
        spans in prop::collection::vec(any_span(), 1..40),
    ) {
        let set = set_of(&spans);
        let names = Names::new(&set);
        let instances = Instances::new(&set, &names);
        let index = TraceIndex::new(&set);
        let mut tree = Tree::default();
        tree.build(&set, &names, &instances, index.trace(0));
        let mut walk = Walk::default();

        let duration_ns = |at: usize| tree.node(at).end_ns - tree.node(at).start_ns;
        let mut intervals = Vec::new();
        walk.whole_trace(&tree, &set, &names, |interval| intervals.push(interval));
        let total: u128 = intervals.iter().map(|interval| u128::from(interval.ns)).sum();
        prop_assert_eq!(total, u128::from(duration_ns(tree.root)));
        prop_assert!(intervals.iter().all(|interval| interval.ns > 0));

        for at in 0..tree.len() {
            let mut total = 0_u128;
            walk.one_process(&tree, &set, &names, at, |_, ns| total += u128::from(ns));
            prop_assert_eq!(total, u128::from(duration_ns(at)));
        }
    }

    /// Nobody is lost, and nobody is their own ancestor.
    #[test]
    fn every_span_is_below_the_root(spans in prop::collection::vec(any_span(), 1..40)) {
        let set = set_of(&spans);
        let names = Names::new(&set);
        let instances = Instances::new(&set, &names);
        let index = TraceIndex::new(&set);
        let mut tree = Tree::default();
        tree.build(&set, &names, &instances, index.trace(0));
        for from in 0..tree.len() {
            let mut at = from;
            let mut steps = 0;
            while let Some(parent) = tree.parent(at) {
                at = parent;
                steps += 1;
                prop_assert!(steps <= tree.len(), "span {} is in a circle", from);
            }
            prop_assert_eq!(at, tree.root);
        }
        let mut seen = vec![0; tree.len()];
        for at in 0..tree.len() {
            for child in tree.children(at) {
                seen[child] += 1;
            }
        }
        seen[tree.root] += 1;
        prop_assert!(seen.iter().all(|&times| times == 1));
    }

    #[test]
    fn any_trace_can_be_prepared_and_drawn(spans in prop::collection::vec(any_span(), 1..40)) {
        let observations = ragdoll_trace::Observations {
            traces: set_of(&spans),
            ..Default::default()
        };
        let prepared = Prepared::new(&observations);
        let rows = waterfall(&prepared, 1);
        prop_assert_eq!(rows.len(), spans.len());
        let total: f64 = rows.iter().map(|row| row.on_critical_path_ms).sum();
        prop_assert!((total - rows[0].duration_ms).abs() <= 1e-9 * rows[0].duration_ms.max(1.0));
    }
}
