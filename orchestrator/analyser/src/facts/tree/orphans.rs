//! Spans whose parent is not there: it was dropped on the way, or lost with its process; and spans
//! that name none though they are not the root.

use std::collections::{BTreeMap, VecDeque};

use ragdoll_trace::TraceSet;

use crate::facts::ids::ServiceId;
use crate::facts::instances::Instances;
use crate::facts::tree::Tree;
use crate::facts::tree::node::NONE;

/// Calls of one service that have no answer yet.
#[derive(Default)]
struct Waiting {
    /// Those that start later than the orphans looked at so far, in the order of start.
    later: VecDeque<usize>,
    /// Those that started and have not been found to have ended, in the order of start.
    open: Vec<usize>,
}

impl Tree {
    /// A span whose parent was lost with its process belongs under the call that the process was
    /// serving: of the calls of that service that were open and have no other answer, the one that
    /// started last. Where there is none, it is put under the root.
    pub(super) fn adopt_orphans(&mut self, set: &TraceSet, instances: &Instances<'_>) {
        let mut unanswered: Option<BTreeMap<ServiceId, Waiting>> = None;
        for at in 0..self.nodes.len() {
            if self.nodes[at].parent != NONE || at == self.root {
                continue;
            }
            if let Some(linked) = self.linked(set, at) {
                self.nodes[at].parent = linked;
                continue;
            }
            match self.span(set, at).parent_id {
                None => self.repairs.further_roots += 1,
                // Its parent is there, but below it: that circle was counted when it was cut.
                Some(id) if self.find(id.get()).is_some() => {}
                Some(_) => self.repairs.orphans += 1,
            }
            let unanswered =
                unanswered.get_or_insert_with(|| self.unanswered_calls(set, instances));
            let caller = unanswered
                .get_mut(&instances.service(self.nodes[at].instance))
                .and_then(|waiting| self.take_caller(waiting, at));
            let node = &mut self.nodes[at];
            node.parent = caller.unwrap_or(self.root) as u32;
            node.is_adopted = true;
        }
    }

    /// The span of this trace to which one that names no parent has a link: where messages are
    /// handled the sender may be told so, and not as the parent.
    fn linked(&self, set: &TraceSet, at: usize) -> Option<u32> {
        let span = self.span(set, at);
        if span.parent_id.is_some() {
            return None;
        }
        let mut here = span
            .links
            .iter()
            .filter(|link| link.trace_id == span.trace_id);
        let linked = here.find_map(|link| self.find(link.span_id))?;
        (!self.is_below(linked as usize, at)).then_some(linked)
    }

    /// Calls under which there is nothing, by the service that they say they call.
    fn unanswered_calls(
        &self,
        set: &TraceSet,
        instances: &Instances<'_>,
    ) -> BTreeMap<ServiceId, Waiting> {
        let mut has_child = vec![false; self.nodes.len()];
        for node in self.nodes.iter().filter(|node| node.parent != NONE) {
            has_child[node.parent as usize] = true;
        }
        let mut all: BTreeMap<ServiceId, Waiting> = BTreeMap::new();
        for at in (0..self.nodes.len()).filter(|&at| self.is_call(at) && !has_child[at]) {
            if let Some(called) = instances.called(self.span(set, at)) {
                let service = instances.service(called);
                all.entry(service).or_default().later.push_back(at);
            }
        }
        all
    }

    /// Nodes, and with them orphans, come in the order of start, so that a call that ended before
    /// one orphan started is of no use to any that follow: each call is looked at once.
    fn take_caller(&self, waiting: &mut Waiting, orphan: usize) -> Option<usize> {
        let start_ns = self.nodes[orphan].start_ns;
        while let Some(&call) = waiting.later.front()
            && self.nodes[call].start_ns <= start_ns
        {
            waiting.later.pop_front();
            waiting.open.push(call);
        }
        let mut below = Vec::new();
        let found = loop {
            let Some(call) = waiting.open.pop() else {
                break None;
            };
            if self.nodes[call].end_ns < start_ns {
                continue;
            }
            if self.is_below(call, orphan) {
                below.push(call);
                continue;
            }
            break Some(call);
        };
        waiting.open.extend(below.into_iter().rev());
        found
    }

    /// Whether a node is another, or below it: the other must then not be put under it.
    fn is_below(&self, mut at: usize, other: usize) -> bool {
        while at != other {
            match self.parent(at) {
                Some(parent) => at = parent,
                None => return false,
            }
        }
        true
    }
}
