//! The spans of a case as trees: what the naive methods need, and no more. Nothing is repaired: a span
//! whose parent is missing is a root of its own.

use std::collections::BTreeSet;
use std::ops::Range;

use ragdoll_analyser::Window;
use ragdoll_trace::{ResourceId, Span, Symbol, TraceIndex, TraceSet};
use rustc_hash::FxHashMap;

use crate::folder::Part;

/// All traces of a case that start in one of its windows.
#[derive(Debug, Default)]
pub(crate) struct Forest {
    nodes: Vec<Node>,
    traces: Vec<Trace>,
    /// Resources that have spans.
    pub(crate) resources: BTreeSet<ResourceId>,
}

/// A span in its trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Position of the span in the trace set.
    span: u32,
    /// Position of the parent's node in the forest.
    parent: Option<u32>,
    /// Time in which none of its children ran.
    exclusive_ns: u64,
}

/// One trace.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// The window in which it starts.
    pub(crate) part: Part,
    /// Duration of its root span.
    pub(crate) duration_ns: u64,
    nodes: Range<usize>,
}

/// A span of a trace, with its parent.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) span: &'a Span,
    pub(crate) service: Symbol,
    pub(crate) parent: Option<(&'a Span, Symbol)>,
    pub(crate) exclusive_ns: u64,
}

impl Forest {
    pub(crate) fn new(set: &TraceSet, before: Window, during: Window) -> Self {
        let mut forest = Forest {
            resources: set.spans().iter().map(|span| span.resource).collect(),
            ..Forest::default()
        };
        let index = TraceIndex::new(set);
        let mut node_by_id = FxHashMap::default();
        for trace in index.iter() {
            let start_ns = set.spans()[root_of(set, trace.spans) as usize].start_ns;
            let part = if contains(before, start_ns) {
                Part::Before
            } else if contains(during, start_ns) {
                Part::During
            } else {
                continue;
            };
            forest.add(set, part, trace.spans, &mut node_by_id);
        }
        forest
    }

    fn add(
        &mut self,
        set: &TraceSet,
        part: Part,
        spans: &[u32],
        node_by_id: &mut FxHashMap<u64, u32>,
    ) {
        let first = self.nodes.len();
        node_by_id.clear();
        for (offset, &span) in spans.iter().enumerate() {
            let id = set.spans()[span as usize].span_id;
            node_by_id.entry(id).or_insert((first + offset) as u32);
        }
        for (offset, &position) in spans.iter().enumerate() {
            let span = &set.spans()[position as usize];
            let parent = span.parent_id.and_then(|id| node_by_id.get(&id.get()));
            self.nodes.push(Node {
                span: position,
                parent: parent
                    .copied()
                    .filter(|&parent| parent as usize != first + offset),
                exclusive_ns: span.duration_ns(),
            });
        }
        self.take_children_out(set, first);
        self.traces.push(Trace {
            part,
            duration_ns: set.spans()[root_of(set, spans) as usize].duration_ns(),
            nodes: first..self.nodes.len(),
        });
    }

    /// Takes the time of children out of their parents' exclusive time, each stretch once. Nodes of a
    /// trace are in the order of start, so a parent's children are too.
    fn take_children_out(&mut self, set: &TraceSet, first: usize) {
        let mut covered_to_ns = vec![0_u64; self.nodes.len() - first];
        for at in first..self.nodes.len() {
            let Some(parent) = self.nodes[at].parent else {
                continue;
            };
            let child = &set.spans()[self.nodes[at].span as usize];
            let parent_span = &set.spans()[self.nodes[parent as usize].span as usize];
            let covered = &mut covered_to_ns[parent as usize - first];
            let from = child.start_ns.max(parent_span.start_ns).max(*covered);
            let to = child.end_ns.min(parent_span.end_ns);
            if to > from {
                self.nodes[parent as usize].exclusive_ns -= to - from;
                *covered = to;
            }
        }
    }

    /// Traces, in the order of their ids.
    pub(crate) fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// Number of traces in each part, at least 1 so that sums can be divided by it.
    pub(crate) fn requests(&self) -> [f64; 2] {
        Part::ALL.map(|part| {
            let traces = self.traces.iter().filter(|trace| trace.part == part);
            traces.count().max(1) as f64
        })
    }

    /// Spans of a trace, in the order of start.
    pub(crate) fn calls<'a>(
        &'a self,
        set: &'a TraceSet,
        trace: &Trace,
    ) -> impl Iterator<Item = Call<'a>> {
        let span_of = |node: &Node| {
            let span = &set.spans()[node.span as usize];
            (span, set.resources()[span.resource.0 as usize].service)
        };
        self.nodes[trace.nodes.clone()].iter().map(move |node| {
            let (span, service) = span_of(node);
            Call {
                span,
                service,
                parent: node
                    .parent
                    .map(|parent| span_of(&self.nodes[parent as usize])),
                exclusive_ns: node.exclusive_ns,
            }
        })
    }

    /// Spans of all traces with the part in which their trace starts.
    pub(crate) fn all_calls<'a>(
        &'a self,
        set: &'a TraceSet,
    ) -> impl Iterator<Item = (Part, Call<'a>)> {
        let calls = |trace: &'a Trace| {
            let part = trace.part;
            self.calls(set, trace).map(move |call| (part, call))
        };
        self.traces.iter().flat_map(calls)
    }
}

/// The first span that names no parent, or else the first.
fn root_of(set: &TraceSet, spans: &[u32]) -> u32 {
    let is_root = |&&span: &&u32| set.spans()[span as usize].parent_id.is_none();
    *spans.iter().find(is_root).unwrap_or(&spans[0])
}

fn contains(window: Window, time_ns: u64) -> bool {
    (window.start_ns..window.end_ns).contains(&time_ns)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;
    use ragdoll_trace::{SpanKind, Status};

    use super::*;

    const ALL: Window = Window {
        start_ns: 1000,
        end_ns: 2000,
    };
    const NEVER: Window = Window {
        start_ns: 0,
        end_ns: 0,
    };

    /// Spans of one trace as (id, parent, start, end).
    fn set(spans: &[(u64, u64, u64, u64)]) -> TraceSet {
        let mut set = TraceSet::new();
        let resource = set.resource("a", "a-0");
        let name = set.intern("work");
        for &(span_id, parent, start, end) in spans {
            set.push(Span {
                trace_id: 1,
                span_id,
                parent_id: NonZeroU64::new(parent),
                start_ns: 1000 + start,
                end_ns: 1000 + end,
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

    /// Exclusive time of each span by its id.
    fn exclusive(spans: &[(u64, u64, u64, u64)]) -> Vec<(u64, u64)> {
        let set = set(spans);
        let forest = Forest::new(&set, NEVER, ALL);
        let mut times: Vec<(u64, u64)> = forest
            .all_calls(&set)
            .map(|(_, call)| (call.span.span_id, call.exclusive_ns))
            .collect();
        times.sort_unstable();
        times
    }

    #[test]
    fn overlapping_children_are_taken_out_once() {
        let spans = [
            (1, 0, 0, 100),
            (2, 1, 10, 50),
            (3, 1, 30, 60),
            (4, 1, 40, 45),
        ];
        assert_eq!(exclusive(&spans), [(1, 50), (2, 40), (3, 30), (4, 5)]);
    }

    #[test]
    fn children_outside_their_parent_take_out_what_lies_within() {
        let spans = [(1, 0, 10, 20), (2, 1, 0, 12), (3, 1, 18, 90)];
        assert_eq!(exclusive(&spans), [(1, 6), (2, 12), (3, 72)]);
    }

    #[test]
    fn broken_links_make_roots() {
        // A parent that is missing, a span that is its own parent, and an id that occurs twice.
        let spans = [(1, 0, 0, 10), (2, 9, 0, 10), (3, 3, 0, 10), (1, 0, 5, 9)];
        let set = set(&spans);
        let forest = Forest::new(&set, NEVER, ALL);
        assert_eq!(forest.all_calls(&set).count(), 4);
        assert!(
            forest
                .all_calls(&set)
                .all(|(_, call)| call.parent.is_none())
        );
    }

    #[test]
    fn a_trace_belongs_where_its_root_starts() {
        let set = set(&[(1, 0, 10, 20), (2, 1, 5, 12)]);
        let part = |before, during| {
            let forest = Forest::new(&set, before, during);
            forest.traces().first().map(|trace| trace.part)
        };
        let (early, late) = ([1000, 1010], [1010, 1020]);
        let window = |[start_ns, end_ns]: [u64; 2]| Window { start_ns, end_ns };
        assert_eq!(part(window(early), window(late)), Some(Part::During));
        assert_eq!(part(window(late), NEVER), Some(Part::Before));
        assert_eq!(part(window(early), NEVER), None);
    }

    proptest! {
        /// Counts the nanoseconds of each span in which no child runs, one by one.
        #[test]
        fn exclusive_time_is_what_no_child_covers(
            drawn in prop::collection::vec((0_u64..8, 0_u64..40, 0_u64..40), 1..12),
        ) {
            let spans: Vec<(u64, u64, u64, u64)> = drawn
                .iter()
                .enumerate()
                .map(|(at, &(parent, start, length))| {
                    let id = at as u64 + 1;
                    (id, parent.min(id - 1), start, start + length)
                })
                .collect();
            let counted: Vec<(u64, u64)> = spans
                .iter()
                .map(|&(id, _, start, end)| {
                    let runs = |ns: u64| {
                        let mut children = spans.iter().filter(|span| span.1 == id);
                        children.any(|&(_, _, from, to)| (from..to).contains(&ns))
                    };
                    (id, (start..end).filter(|&ns| !runs(ns)).count() as u64)
                })
                .collect();
            prop_assert_eq!(exclusive(&spans), counted);
        }
    }
}
