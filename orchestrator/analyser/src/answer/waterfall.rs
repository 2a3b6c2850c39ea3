//! One trace for the eye.

use serde::Serialize;

use crate::facts::cause::Cause;
use crate::facts::critical_path::Walk;
use crate::facts::names::spans::is_failed;
use crate::facts::prepared::Prepared;
use crate::facts::time::ms;
use crate::facts::tree::Tree;

/// One span of a trace, with its part of the critical path.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WaterfallRow {
    /// Distance from the root.
    pub depth: u32,
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`.
    pub instance: String,
    /// Operation.
    pub name: String,
    /// Start, milliseconds after the root's; negative for a span that starts before it.
    pub start_ms: f64,
    /// Duration in milliseconds.
    pub duration_ms: f64,
    /// Milliseconds of the critical path that this span itself owns: over all rows they sum to
    /// the root's duration.
    pub on_critical_path_ms: f64,
    /// Why time passes in this span where it owns it.
    pub cause: Cause,
    /// What a failing span says went wrong.
    pub error: Option<String>,
}

/// The spans of a trace, parents before children and these by their start; none where there is no
/// such trace.
pub fn waterfall(prepared: &Prepared<'_>, trace_id: u128) -> Vec<WaterfallRow> {
    let Some(trace) = prepared.index.find(trace_id) else {
        return Vec::new();
    };
    let set = &prepared.observations.traces;
    let instances = &prepared.instances;
    let mut tree = Tree::default();
    tree.build(set, &prepared.names, instances, trace);
    let mut own_ns = vec![0; tree.len()];
    let mut causes: Vec<Option<Cause>> = vec![None; tree.len()];
    Walk::default().whole_trace(&tree, set, &prepared.names, |interval| {
        own_ns[interval.node] += interval.ns;
        causes[interval.node] = Some(interval.cause);
    });
    let root_start_ns = tree.node(tree.root).start_ns;
    let mut rows = Vec::with_capacity(tree.len());
    let mut stack = vec![(tree.root, 0)];
    while let Some((at, depth)) = stack.pop() {
        let (node, span) = (tree.node(at), tree.span(set, at));
        let usual = if tree.is_call(at) {
            Cause::Network
        } else {
            prepared.names.cause(span)
        };
        rows.push(WaterfallRow {
            depth,
            service: instances.service_name_of(node.instance).to_owned(),
            instance: instances.instance_name(node.instance).to_owned(),
            name: set.text(span.name).to_owned(),
            start_ms: (i128::from(node.start_ns) - i128::from(root_start_ns)) as f64 / 1e6,
            duration_ms: ms(node.end_ns - node.start_ns),
            on_critical_path_ms: ms(own_ns[at]),
            cause: causes[at].unwrap_or(usual),
            error: is_failed(span).then(|| prepared.names.error(set, span)),
        });
        let mut children: Vec<usize> = tree.children(at).collect();
        children.sort_by_key(|&child| std::cmp::Reverse((tree.node(child).start_ns, child)));
        stack.extend(children.into_iter().map(|child| (child, depth + 1)));
    }
    rows
}
