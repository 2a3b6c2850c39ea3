//! The critical path: what a request waited for at each moment, from its end back to its start.

use ragdoll_trace::TraceSet;

use crate::facts::cause::Cause;
use crate::facts::error_origin::attempt_failed_at;
use crate::facts::ids::InstanceId;
use crate::facts::names::spans::{Names, is_failed};
use crate::facts::tree::Tree;

/// A interval of time on the critical path with the one place that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathInterval {
    /// Span during which it passed, as a node of the tree.
    pub(crate) node: usize,
    pub(crate) instance: InstanceId,
    pub(crate) cause: Cause,
    pub(crate) ns: u64,
}

/// Stack of the walk, used again for trace after trace.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    stack: Vec<(usize, u64, u64)>,
}

impl Walk {
    /// Splits the root's duration into pieces that sum to it exactly.
    pub(crate) fn whole_trace(
        &mut self,
        tree: &Tree,
        set: &TraceSet,
        names: &Names,
        mut emit: impl FnMut(PathInterval),
    ) {
        self.split(
            tree,
            tree.root,
            |node| tree.node(node).retried,
            |node, ns, _| {
                let (instance, cause) = owner(tree, set, names, node);
                emit(PathInterval {
                    node,
                    instance,
                    cause,
                    ns,
                });
            },
        );
    }

    /// Splits the duration of one span into its process's own pieces and calls of others, which
    /// have no cause.
    pub(crate) fn one_process(
        &mut self,
        tree: &Tree,
        set: &TraceSet,
        names: &Names,
        from: usize,
        mut emit: impl FnMut(Option<Cause>, u64),
    ) {
        let instance = tree.node(from).instance;
        let elsewhere = |node: usize| {
            node != from && (tree.is_call(node) || tree.node(node).instance != instance)
        };
        self.split(tree, from, elsewhere, |node, ns, whole| {
            let cause = (!whole).then(|| names.cause(tree.span(set, node)));
            emit(cause, ns);
        });
    }

    /// Goes back through time from the end of `from`. At each moment the span waits for the child
    /// that ended last before it (or was given up last); in the gap after that child's end, for the earliest started of
    /// the children that are still open; and where none is, for nobody: that time is its own.
    ///
    /// So time is a span's own only where none of its children is open, and of children that are
    /// open together only one is charged. Children are cut to the time of their parents. `emit`
    /// gets a span, a time, and whether that is the whole of a span at which the walk stopped.
    fn split(
        &mut self,
        tree: &Tree,
        from: usize,
        stop: impl Fn(usize) -> bool,
        mut emit: impl FnMut(usize, u64, bool),
    ) {
        let node = tree.node(from);
        self.stack.clear();
        self.stack.push((from, node.start_ns, node.end_ns));
        while let Some((at, low, high)) = self.stack.pop() {
            if low == high {
                continue;
            }
            if stop(at) {
                emit(at, high - low, true);
                continue;
            }
            let mut own_ns = 0;
            let mut time = high;
            let mut open: Option<(u64, usize)> = None;
            for child in tree.children(at) {
                let child_node = tree.node(child);
                let end = child_node.awaited_until_ns;
                if end <= low || time == low {
                    break;
                }
                let start = child_node.start_ns.max(low);
                if end > time {
                    if start < time && open.is_none_or(|(earliest, _)| start < earliest) {
                        open = Some((start, child));
                    }
                    continue;
                }
                if start >= end {
                    continue;
                }
                own_ns += self.fill_gap(open, end, time);
                self.stack.push((child, start, end));
                time = start;
            }
            own_ns += self.fill_gap(open, low, time);
            if own_ns > 0 {
                emit(at, own_ns, false);
            }
        }
    }

    /// Gives a gap to the open child as far as that reaches, and returns what is left of it.
    fn fill_gap(&mut self, open: Option<(u64, usize)>, low: u64, high: u64) -> u64 {
        match open {
            Some((start, child)) if start < high && low < high => {
                let from = start.max(low);
                self.stack.push((child, from, high));
                from - low
            }
            _ => high - low,
        }
    }
}

/// Who owns a span's own time, and why it passed. A caller's time between its own span and its
/// callee's is the network's, on the callee's side; the time of a call of which nothing else is
/// known is the callee's.
fn owner(tree: &Tree, set: &TraceSet, names: &Names, at: usize) -> (InstanceId, Cause) {
    let node = tree.node(at);
    let span = tree.span(set, at);
    let callee = node.callee.unwrap_or(node.instance);
    if node.retried {
        let instance = match failed_attempt(tree, at) {
            Some(attempt) => attempt_failed_at(tree, set, names, attempt),
            None => callee,
        };
        return (instance, Cause::Retries);
    }
    if !tree.is_call(at) {
        return (node.instance, names.cause(span));
    }
    let cause = if node.answered {
        Cause::Network
    } else if is_failed(span) {
        Cause::Errors
    } else if node.callee.is_some() {
        Cause::Compute
    } else {
        Cause::Network
    };
    (callee, cause)
}

/// The failed attempt that a span is, or after which it is the wait.
fn failed_attempt(tree: &Tree, at: usize) -> Option<usize> {
    if tree.is_call(at) {
        return Some(at);
    }
    let start_ns = tree.node(at).start_ns;
    tree.children(tree.parent(at)?)
        .filter(|&other| tree.is_call(other) && tree.node(other).retried)
        .find(|&other| tree.node(other).end_ns <= start_ns)
}

#[cfg(test)]
mod tests;
