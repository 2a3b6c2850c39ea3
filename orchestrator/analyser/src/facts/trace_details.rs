//! A closer look at the traces of some requests: their trees, and how much of the critical path
//! passes within each span and what is below it.

use crate::facts::critical_path::Walk;
use crate::facts::prepared::Prepared;
use crate::facts::request::Request;
use crate::facts::time::Window;
use crate::facts::tree::Tree;

/// One trace under a closer look.
pub(crate) struct Trace<'t> {
    pub(crate) request: &'t Request,
    pub(crate) tree: &'t Tree,
    /// Nanoseconds of the critical path within a span and all spans below it, by node.
    pub(crate) critical_ns: &'t [u64],
}

/// Builds the trees of a window's requests, in the order of start, and returns how many there were.
/// Of more than `at_most` requests it takes that many, evenly spread.
pub(crate) fn look(
    prepared: &Prepared<'_>,
    window: &Window,
    at_most: usize,
    mut each: impl FnMut(Trace<'_>),
) -> usize {
    let requests = prepared.requests(window);
    let count = requests.len().min(at_most);
    let set = &prepared.observations.traces;
    let (mut tree, mut walk) = (Tree::default(), Walk::default());
    let (mut critical_ns, mut order) = (Vec::new(), Vec::new());
    let mut looked_at = 0;
    for number in 0..count {
        let request = &requests[number * requests.len() / count];
        let Some(trace) = prepared.index.find(request.trace_id) else {
            continue;
        };
        tree.build(set, &prepared.names, &prepared.instances, trace);
        critical_ns.clear();
        critical_ns.resize(tree.len(), 0);
        walk.whole_trace(&tree, set, &prepared.names, |interval| {
            critical_ns[interval.node] += interval.ns;
        });
        sum_up(&tree, &mut critical_ns, &mut order);
        each(Trace {
            request,
            tree: &tree,
            critical_ns: &critical_ns,
        });
        looked_at += 1;
    }
    looked_at
}

/// Adds the values of all spans below a span to its own.
fn sum_up(tree: &Tree, values: &mut [u64], order: &mut Vec<usize>) {
    order.clear();
    order.push(tree.root);
    let mut next = 0;
    while let Some(&at) = order.get(next) {
        order.extend(tree.children(at));
        next += 1;
    }
    for &at in order.iter().rev() {
        if let Some(parent) = tree.parent(at) {
            values[parent] += values[at];
        }
    }
}
