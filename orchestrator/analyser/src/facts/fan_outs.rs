//! Fan-outs: several calls that one caller makes to answer one call of its own, of one service or of
//! several.

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::instances::Instances;
use crate::facts::time::{Window, ms};
use crate::facts::tree::Tree;
use crate::facts::tree::node::Node;

/// The calls of one service, or of all, within one server span, in milliseconds. Attempts that were tried again
/// do not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct FanOut {
    pub(crate) start_ns: u64,
    /// All calls together.
    pub(crate) total_ms: f32,
    /// Time in which at least one of them was open.
    pub(crate) open_ms: f32,
    /// The longest.
    pub(crate) longest_ms: f32,
}

/// The calls of one service, or of all, so far; earlier ones first.
struct Group {
    service: Option<ServiceId>,
    first: InstanceId,
    has_several: bool,
    end_ns: u64,
    fan_out: FanOut,
}

/// The fan-outs of one trace, each with its caller and its callee; without a callee that of all calls
/// together, where they are of several services. A service of which only one instance was called was not
/// fanned out to.
pub(crate) fn fan_outs(
    tree: &Tree,
    instances: &Instances<'_>,
    mut emit: impl FnMut(ServiceId, Option<ServiceId>, FanOut),
) {
    let mut calls: Vec<usize> = Vec::new();
    for at in (0..tree.len()).filter(|&at| tree.is_served(at)) {
        let is_counted = |&child: &usize| {
            let node = tree.node(child);
            node.callee.is_some() && !node.retried && !node.outrun && tree.is_call(child)
        };
        calls.clear();
        calls.extend(tree.children(at).filter(is_counted));
        if calls.len() < 2 {
            continue;
        }
        calls.sort_by_key(|&call| tree.node(call).start_ns);
        let caller = instances.service(tree.node(at).instance);
        let by_service = groups(calls.iter().map(|&call| {
            let node = tree.node(call);
            (node.callee.map(|callee| instances.service(callee)), node)
        }));
        let all = groups(calls.iter().map(|&call| (None, tree.node(call))));
        let several_services = by_service.len() > 1;
        for group in by_service.iter().filter(|group| group.has_several) {
            emit(caller, group.service, group.fan_out);
        }
        for group in all.iter().filter(|_| several_services) {
            emit(caller, None, group.fan_out);
        }
    }
}

fn groups<'t>(calls: impl Iterator<Item = (Option<ServiceId>, &'t Node)>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (service, node) in calls {
        let Some(callee) = node.callee else { continue };
        let length_ms = ms(node.end_ns - node.start_ns) as f32;
        match groups.iter_mut().find(|group| group.service == service) {
            None => groups.push(Group {
                service,
                first: callee,
                has_several: false,
                end_ns: node.end_ns,
                fan_out: FanOut {
                    start_ns: node.start_ns,
                    total_ms: length_ms,
                    open_ms: length_ms,
                    longest_ms: length_ms,
                },
            }),
            Some(group) => {
                group.has_several |= group.first != callee;
                let from_ns = node.start_ns.max(group.end_ns);
                let added_ms = ms(node.end_ns.saturating_sub(from_ns)) as f32;
                group.fan_out.open_ms += added_ms;
                group.fan_out.total_ms += length_ms;
                group.fan_out.longest_ms = group.fan_out.longest_ms.max(length_ms);
                group.end_ns = group.end_ns.max(node.end_ns);
            }
        }
    }
    groups
}

/// Those of a window; `all` are in the order of their start.
pub(crate) fn within<'a>(all: &'a [FanOut], window: &Window) -> &'a [FanOut] {
    window.part_of(all, |one| one.start_ns)
}
