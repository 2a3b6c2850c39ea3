//! Where a failing request went wrong first.

use ragdoll_trace::TraceSet;

use crate::facts::ids::InstanceId;
use crate::facts::instances::Instances;
use crate::facts::names::failures::{Failure, failure, is_absence, is_cancellation};
use crate::facts::names::spans::{Names, is_failed};
use crate::facts::tree::Tree;

/// The deepest failure of one trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Origin {
    /// The process whose doing it is.
    pub(crate) instance: InstanceId,
    /// What the deepest failing span says.
    pub(crate) error: String,
    /// Services that the error passed through, from the origin to the root, each once in a row.
    pub(crate) path: Vec<String>,
    /// A service that said by itself that it, or what it needs, is not there, without having asked.
    pub(crate) unasked: bool,
}

/// Follows the failure from the root to the deepest span that its callers only passed on. Where
/// only a caller's patience ended, it goes on to the deepest span that was still open then.
pub(crate) fn origin(
    tree: &Tree,
    set: &TraceSet,
    names: &Names,
    instances: &Instances<'_>,
) -> Origin {
    let steps = follow(tree, set, names, tree.root);
    let deepest_failed = steps
        .iter()
        .rev()
        .find(|&&step| is_failed(tree.span(set, step)));
    let error = names.error(set, tree.span(set, *deepest_failed.unwrap_or(&tree.root)));
    let instance = blamed(tree, *steps.last().expect("a path has a start"));
    let mut path = vec![instances.service_name_of(instance).to_owned()];
    for &step in steps.iter().rev() {
        let service = instances.service_name_of(tree.node(step).instance);
        if path.last().is_none_or(|last| last != service) {
            path.push(service.to_owned());
        }
    }
    let last = *steps.last().expect("a path has a start");
    Origin {
        instance,
        unasked: tree.is_served(last) && is_absence(&error),
        error,
        path,
    }
}

/// The process whose doing the failure of a call is that was tried again. What was only broken off with
/// the call is to blame where the call waited for it most of the time.
pub(crate) fn attempt_failed_at(
    tree: &Tree,
    set: &TraceSet,
    names: &Names,
    call: usize,
) -> InstanceId {
    let length_ns = |at: usize| tree.node(at).end_ns - tree.node(at).start_ns;
    let is_to_blame = |&at: &usize| {
        let span = tree.span(set, at);
        let failed_itself =
            is_failed(span) && failure(&names.error(set, span)) != Failure::Deadline;
        failed_itself || length_ns(at) >= length_ns(call) / 2
    };
    let steps = follow(tree, set, names, call);
    let to_blame = steps.iter().rev().copied().find(is_to_blame);
    blamed(tree, to_blame.unwrap_or(call))
}

/// The spans from one that failed to the deepest that it failed for.
fn follow(tree: &Tree, set: &TraceSet, names: &Names, from: usize) -> Vec<usize> {
    let mut at = from;
    let mut steps = vec![at];
    let mut deadline_ns = None;
    while steps.len() <= tree.len() {
        let span = tree.span(set, at);
        if is_failed(span) && failure(&names.error(set, span)) == Failure::Deadline {
            deadline_ns = Some(tree.node(at).end_ns);
        }
        let cut_short = || child_open_at(tree, at, deadline_ns?);
        let failing = failing_child(tree, set, at).filter(|&child| {
            !(is_broken_off(tree, at, names, set) && is_cancelled(tree, child, names, set))
        });
        let Some(next) = failing.or_else(cut_short) else {
            break;
        };
        at = next;
        steps.push(at);
    }
    steps
}

/// An unanswered call is its callee's doing: the callee died, or was never there. So is a call that
/// failed although its callee did not: the answer was lost or came too late.
fn blamed(tree: &Tree, at: usize) -> InstanceId {
    let node = tree.node(at);
    if tree.is_call(at) {
        node.callee.unwrap_or(node.instance)
    } else {
        node.instance
    }
}

/// Whether a call ended before its answer, and not for want of patience.
fn is_broken_off(tree: &Tree, at: usize, names: &Names, set: &TraceSet) -> bool {
    let span = tree.span(set, at);
    tree.is_call(at) && is_failed(span) && failure(&names.error(set, span)) != Failure::Deadline
}

/// Whether a service stopped because its caller went away: what went wrong is on the caller's side of
/// the call, or on the way.
fn is_cancelled(tree: &Tree, at: usize, names: &Names, set: &TraceSet) -> bool {
    tree.is_served(at) && is_cancellation(&names.error(set, tree.span(set, at)))
}

/// The failed child that ended last, unless its failure was made good by a later attempt.
fn failing_child(tree: &Tree, set: &TraceSet, at: usize) -> Option<usize> {
    tree.children(at).find(|&child| {
        let (span, node) = (tree.span(set, child), tree.node(child));
        is_failed(span) && !node.retried && !node.outrun
    })
}

/// Time by which work may end before its caller's deadline and still count as cut short by it: the
/// caller has to notice.
const NOTICE_NS: u64 = 1_000_000;

/// The child that was still open then: of several, the one that started last.
fn child_open_at(tree: &Tree, at: usize, time_ns: u64) -> Option<usize> {
    tree.children(at)
        .take_while(|&child| tree.node(child).end_ns.saturating_add(NOTICE_NS) >= time_ns)
        .filter(|&child| tree.node(child).start_ns < time_ns)
        .max_by_key(|&child| (tree.node(child).start_ns, child))
}
