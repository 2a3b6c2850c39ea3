//! The calls that the spans of one operation make, and which of them come one after the other.

use std::collections::BTreeMap;

use ragdoll_trace::Symbol;

use crate::facts::ids::ServiceId;
use crate::facts::names::spans::is_failed;
use crate::facts::prepared::Prepared;
use crate::facts::trace_details::Trace;
use crate::questions::serial_opportunities::independence::Independence;

/// A called operation, and its service where that is known.
pub(super) type Callee = (Option<ServiceId>, Symbol);

/// Time by which calls may overlap and still be one after the other: some formats cut times to
/// microseconds.
const OVERLAP_NS: u64 = 2000;

/// Share of the spans in which calls may overlap, or come without each other, by accident.
const ACCIDENTS_MAX: f64 = 0.01;

/// Share of the spans from which an order, or an absence, is no accident.
const HABIT_MIN: f64 = 0.05;

/// Time between two calls up to which the caller does nothing with the first one's answer, as a
/// share of the longer call, and in nanoseconds.
const GAP_SHARE: f64 = 0.1;
const GAP_NS: u64 = 200_000;

/// Share of the rows in which a call must be to be named.
const NAMED_MIN: f64 = 0.1;

/// One call within one span.
#[derive(Clone, Copy)]
struct Call {
    /// Number among the callees of the operation.
    callee: u32,
    failed: bool,
    start_ns: u64,
    end_ns: u64,
    critical_ns: u64,
}

/// The spans of one operation with their calls.
#[derive(Default)]
pub(super) struct Calls {
    callees: Vec<Callee>,
    calls: Vec<Call>,
    /// Where the calls of each span end.
    ends: Vec<u32>,
}

/// What would be saved in all.
#[derive(Default)]
pub(super) struct Savings {
    pub(super) ns: u64,
    /// Times that several calls came one after the other.
    pub(super) rows: u64,
    /// Calls in them.
    pub(super) calls: u64,
    /// In their usual order.
    pub(super) callees: Vec<Callee>,
}

/// Adds the calls of one trace. A span with calls that were tried again or outrun says nothing about
/// the usual order.
pub(super) fn add(
    prepared: &Prepared<'_>,
    trace: &Trace<'_>,
    places: &mut BTreeMap<(ServiceId, Symbol), Calls>,
) {
    let tree = trace.tree;
    let (set, instances) = (&prepared.observations.traces, &prepared.instances);
    let mut children = Vec::new();
    for at in (0..tree.len()).filter(|&at| !tree.is_call(at)) {
        let instance = tree.node(at).instance;
        let is_call = |child: &usize| {
            tree.is_call(*child)
                || (tree.is_served(*child) && tree.node(*child).instance != instance)
        };
        children.clear();
        children.extend(tree.children(at).filter(is_call));
        let is_usual = |&child: &usize| {
            let node = tree.node(child);
            !node.retried && !node.outrun
        };
        if children.is_empty() || !children.iter().all(is_usual) {
            continue;
        }
        children.sort_unstable_by_key(|&child| (tree.node(child).start_ns, child));
        let place = (instances.service(instance), tree.span(set, at).name);
        let calls = places.entry(place).or_default();
        for &child in &children {
            let (node, span) = (tree.node(child), tree.span(set, child));
            let callee = if tree.is_call(child) {
                node.callee
            } else {
                Some(node.instance)
            };
            let callee = (callee.map(|callee| instances.service(callee)), span.name);
            let call = Call {
                callee: calls.number(callee),
                failed: is_failed(span),
                start_ns: node.start_ns,
                end_ns: node.end_ns,
                critical_ns: trace.critical_ns[child],
            };
            calls.calls.push(call);
        }
        calls.ends.push(calls.calls.len() as u32);
    }
}

impl Calls {
    fn number(&mut self, callee: Callee) -> u32 {
        let found = self.callees.iter().position(|&other| other == callee);
        found.unwrap_or_else(|| {
            self.callees.push(callee);
            self.callees.len() - 1
        }) as u32
    }

    /// The calls of each span, in the order of start.
    fn spans(&self) -> impl Iterator<Item = &[Call]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(from, &to)| &self.calls[from as usize..to as usize])
    }

    /// What is saved where calls run at once that follow each other and are independent in this way.
    pub(super) fn savings(&self, independence: Independence) -> Savings {
        let serial = self.serial();
        let pairs = Pairs::new(self);
        let mut savings = Savings::default();
        let mut places: Vec<(u64, u64)> = vec![(0, 0); self.callees.len()];
        let follows = |before: &Call, call: &Call| {
            let both_serial = serial[before.callee as usize] && serial[call.callee as usize];
            let is_independent =
                independence == Independence::NotRuledOut || pairs.are_independent(before, call);
            both_serial && is_independent && is_small_gap(before, call)
        };
        for row in self.spans().flat_map(|span| span.chunk_by(follows)) {
            if row.len() < 2 {
                continue;
            }
            let critical = row.iter().map(|call| call.critical_ns);
            let longest_ns = critical.clone().max().unwrap_or(0);
            let total_ns = critical.fold(0, u64::saturating_add);
            savings.ns = savings.ns.saturating_add(total_ns - longest_ns);
            savings.rows += 1;
            savings.calls += row.len() as u64;
            for (position, call) in row.iter().enumerate() {
                let place = &mut places[call.callee as usize];
                *place = (place.0 + 1, place.1 + position as u64);
            }
        }
        savings.callees = self.in_order(&places, savings.rows);
        savings
    }

    /// Callees that are often in a row, by their mean place in it.
    fn in_order(&self, places: &[(u64, u64)], rows: u64) -> Vec<Callee> {
        let mut named: Vec<(f64, Callee)> = places
            .iter()
            .zip(&self.callees)
            .filter(|((times, _), _)| *times > 0 && *times as f64 >= NAMED_MIN * rows as f64)
            .map(|(&(times, sum), &callee)| (sum as f64 / times as f64, callee))
            .collect();
        named.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        named.into_iter().map(|(_, callee)| callee).collect()
    }

    /// Whether the calls of each callee never overlap with any other call of the same span.
    fn serial(&self) -> Vec<bool> {
        let mut overlaps = vec![0_u64; self.callees.len()];
        let mut spans = vec![0_u64; self.callees.len()];
        let mut last_span = vec![usize::MAX; self.callees.len()];
        for (number, span) in self.spans().enumerate() {
            let mut open: Option<&Call> = None;
            for call in span {
                let callee = call.callee as usize;
                if last_span[callee] != number {
                    last_span[callee] = number;
                    spans[callee] += 1;
                }
                if let Some(other) = open
                    && call.start_ns.saturating_add(OVERLAP_NS) < other.end_ns
                {
                    overlaps[callee] += 1;
                    overlaps[other.callee as usize] += 1;
                }
                if open.is_none_or(|other| call.end_ns > other.end_ns) {
                    open = Some(call);
                }
            }
        }
        let is_rare =
            |(&overlaps, &spans): (&u64, &u64)| overlaps as f64 <= ACCIDENTS_MAX * spans as f64;
        overlaps.iter().zip(&spans).map(is_rare).collect()
    }
}

fn is_small_gap(before: &Call, call: &Call) -> bool {
    let gap_ns = call.start_ns.saturating_sub(before.end_ns);
    let longer_ns = (before.end_ns - before.start_ns).max(call.end_ns - call.start_ns);
    gap_ns <= GAP_NS.max((GAP_SHARE * longer_ns as f64) as u64)
}

/// How callees of one operation come together, by the numbers of both.
struct Pairs {
    count: usize,
    /// Spans in which a callee was called.
    with: Vec<u64>,
    /// Spans in which the second was called, and the first before it had been answered well.
    after: Vec<u64>,
    /// Spans in which both were called, the first before the second.
    before: Vec<u64>,
}

impl Pairs {
    fn new(calls: &Calls) -> Self {
        let count = calls.callees.len();
        let mut pairs = Pairs {
            count,
            with: vec![0; count],
            after: vec![0; count * count],
            before: vec![0; count * count],
        };
        let (mut met, mut answered): (Vec<u32>, Vec<u32>) = (Vec::new(), Vec::new());
        for span in calls.spans() {
            met.clear();
            answered.clear();
            for call in span {
                if !met.contains(&call.callee) {
                    pairs.with[call.callee as usize] += 1;
                    for &other in &met {
                        pairs.before[other as usize * count + call.callee as usize] += 1;
                    }
                    for &other in &answered {
                        pairs.after[other as usize * count + call.callee as usize] += 1;
                    }
                    met.push(call.callee);
                }
                if !call.failed && !answered.contains(&call.callee) {
                    answered.push(call.callee);
                }
            }
        }
        pairs
    }

    /// Whether the second of two calls that follow each other does not need the first.
    fn are_independent(&self, first: &Call, second: &Call) -> bool {
        let (first, second) = (first.callee as usize, second.callee as usize);
        if first == second {
            return true;
        }
        let with = self.with[second] as f64;
        let in_order = self.before[first * self.count + second] as f64;
        let in_reverse = self.before[second * self.count + first] as f64;
        // A call that only ever comes after another failed is made because it failed.
        let after = self.after[first * self.count + second] as f64;
        let without = with - after;
        let both = in_order + in_reverse;
        in_order.min(in_reverse) >= HABIT_MIN * both || after.min(without) >= HABIT_MIN * with
    }
}
