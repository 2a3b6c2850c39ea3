//! Until when a parent waited for each of its children: usually until the child's end. A call that
//! was made twice at once is waited for until its other copy starts, where that one is answered
//! first; and nobody waits for work that goes on after the span that started it.

use ragdoll_trace::{SpanKind, Symbol, TraceSet};

use crate::facts::ids::ServiceId;
use crate::facts::instances::Instances;
use crate::facts::names::failures::is_cancellation;
use crate::facts::names::spans::{HEDGE, METHODS, Names, is_failed};
use crate::facts::tree::Tree;

/// Time by which two ends that are one event may differ: whoever cancels has to notice first, and
/// some formats cut times to microseconds.
const NOTICE_NS: u64 = 1_000_000;

/// What a call does: its name, whom it calls, and of which resource of theirs, as far as that is
/// known. What is not known is like nothing but what is not known either.
type Target<'a> = (Symbol, Option<ServiceId>, Option<&'a str>);

/// The calls among the children of one span.
#[derive(Default)]
struct Calls<'a> {
    /// In the order of target, then start.
    by_target: Vec<(Target<'a>, u64, usize)>,
    /// In the order of start.
    by_start: Vec<(u64, usize)>,
    /// Those that did not fail, in the order of name, then end.
    answered: Vec<(Symbol, u64, usize)>,
}

impl<'a> Calls<'a> {
    fn read(&mut self, tree: &Tree, set: &TraceSet, instances: &Instances<'a>, parent: usize) {
        self.by_target.clear();
        self.by_start.clear();
        self.answered.clear();
        for at in tree.children(parent).filter(|&child| tree.is_call(child)) {
            let (node, span) = (tree.node(at), tree.span(set, at));
            let target = tree.target(set, instances, at);
            self.by_target.push((target, node.start_ns, at));
            self.by_start.push((node.start_ns, at));
            if !is_failed(span) {
                self.answered.push((span.name, node.end_ns, at));
            }
        }
        self.by_target.sort_unstable();
        self.by_start.sort_unstable();
        self.answered.sort_unstable();
    }

    /// The first other call of this target that starts at `time_ns` or later.
    fn next_of(&self, target: Target<'a>, time_ns: u64, at: usize) -> Option<usize> {
        let from = self
            .by_target
            .partition_point(|&(other, start_ns, _)| (other, start_ns) < (target, time_ns));
        let later = self.by_target[from..].iter();
        later
            .take_while(|&&(other, ..)| other == target)
            .find(|&&(.., other)| other != at)
            .map(|&(.., other)| other)
    }

    /// The first call that starts at `time_ns` or later.
    fn next(&self, time_ns: u64) -> Option<usize> {
        let from = self
            .by_start
            .partition_point(|&(start_ns, _)| start_ns < time_ns);
        self.by_start.get(from).map(|&(_, at)| at)
    }

    /// Answered calls of this name that end at about this time.
    fn answered_at(&self, name: Symbol, time_ns: u64) -> impl Iterator<Item = usize> {
        let first_ns = time_ns.saturating_sub(NOTICE_NS);
        let last_ns = time_ns.saturating_add(NOTICE_NS);
        let from = self
            .answered
            .partition_point(|&(other, end_ns, _)| (other, end_ns) < (name, first_ns));
        self.answered[from..]
            .iter()
            .take_while(move |&&(other, end_ns, _)| other == name && end_ns <= last_ns)
            .map(|&(.., at)| at)
    }
}

impl Tree {
    /// What a call does.
    fn target<'a>(&self, set: &TraceSet, instances: &Instances<'a>, at: usize) -> Target<'a> {
        let (node, span) = (self.node(at), self.span(set, at));
        let service = node.callee.map(|callee| instances.service(callee));
        (span.name, service, instances.route(span))
    }

    /// Marks calls that were outrun by a copy of them; failed calls after which the same parent
    /// called the same operation of the same service again, and the waits before such calls. The time of the latter
    /// two is the callee's doing.
    pub(super) fn find_repetitions(
        &mut self,
        set: &TraceSet,
        names: &Names,
        instances: &Instances<'_>,
    ) {
        let mut calls = Calls::default();
        let mut repeated = Vec::new();
        for parent in 0..self.nodes.len() {
            repeated.clear();
            repeated.extend(self.children(parent).filter(|&child| {
                let span = self.span(set, child);
                names.is_backoff(span) || (is_failed(span) && self.is_call(child))
            }));
            if repeated.is_empty() {
                continue;
            }
            calls.read(self, set, instances, parent);
            for &at in &repeated {
                let span = self.span(set, at);
                let end_ns = self.nodes[at].end_ns;
                if names.is_backoff(span) {
                    if let Some(next) = calls.next(end_ns) {
                        self.nodes[at].retried = true;
                        self.nodes[at].callee = self.nodes[next].callee;
                    }
                } else if let Some(winner) = self.winner(set, names, instances, &calls, at) {
                    let winner_start_ns = self.nodes[winner].start_ns;
                    let node = &mut self.nodes[at];
                    node.outrun = true;
                    node.awaited_until_ns = winner_start_ns.clamp(node.start_ns, node.end_ns);
                } else {
                    let target = self.target(set, instances, at);
                    let says_nothing = target.1.is_none()
                        && target.2.is_none()
                        && METHODS.contains(&set.text(target.0));
                    let later_ns = end_ns.max(self.nodes[at].start_ns + 1);
                    let next = calls.next_of(target, later_ns, at);
                    self.nodes[at].retried = next.is_some() && !says_nothing;
                }
            }
        }
    }

    /// The copy of a cancelled call whose answer made it needless: it ended at the same time. Where
    /// neither says that it is a second copy, the callers' success shows that no answer was missed.
    fn winner(
        &self,
        set: &TraceSet,
        names: &Names,
        instances: &Instances<'_>,
        calls: &Calls<'_>,
        at: usize,
    ) -> Option<usize> {
        let (node, span) = (self.node(at), self.span(set, at));
        if !is_cancellation(&names.error(set, span)) {
            return None;
        }
        let service = |at: usize| self.node(at).callee.map(|callee| instances.service(callee));
        let hedge = set.symbol(HEDGE);
        let is_hedge =
            |at: usize| hedge.is_some_and(|key| self.span(set, at).attribute(key).is_some());
        let parent_failed = self
            .parent(at)
            .is_some_and(|parent| is_failed(self.span(set, parent)));
        calls
            .answered_at(span.name, node.end_ns)
            .filter(|&other| {
                let copy = self.node(other);
                copy.start_ns < node.end_ns
                    && service(other) == service(at)
                    && (is_hedge(at) || is_hedge(other) || !parent_failed)
            })
            .min_by_key(|&other| {
                let copy = self.node(other);
                let is_pair = is_hedge(at) != is_hedge(other);
                (
                    !is_pair,
                    copy.end_ns.abs_diff(node.end_ns),
                    !copy.start_ns,
                    other,
                )
            })
    }

    /// Work for which nobody waits: a message is on its way, or a process goes on by itself or with
    /// a call that it made, and the span that it is under succeeded and ended without it. Returns whether the order of any
    /// children has to change.
    pub(super) fn find_unawaited(&mut self, set: &TraceSet) -> bool {
        let mut changed = false;
        for at in 0..self.nodes.len() {
            let Some(parent) = self.parent(at) else {
                continue;
            };
            let (node, parent_node) = (self.node(at), self.node(parent));
            let goes_on = node.end_ns > parent_node.end_ns.saturating_add(NOTICE_NS);
            changed |= node.outrun;
            if !goes_on || is_failed(self.span(set, parent)) {
                continue;
            }
            let is_unawaited = match self.span(set, at).kind {
                SpanKind::Producer | SpanKind::Consumer => true,
                // One process has one clock, so that it is no matter of that.
                SpanKind::Internal | SpanKind::Unspecified | SpanKind::Client => {
                    node.instance == parent_node.instance
                }
                SpanKind::Server => false,
            };
            if is_unawaited {
                let node = &mut self.nodes[at];
                node.awaited_until_ns = node.start_ns;
                changed = true;
            }
        }
        changed
    }
}
