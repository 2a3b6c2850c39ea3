//! Which side of a call a span is on. Where its kind says so, that counts; many systems leave the
//! kind out, and then the processes on both sides of a parent and its child tell.

use ragdoll_trace::{SpanKind, TraceSet};

use crate::facts::instances::Instances;
use crate::facts::tree::Tree;
use crate::facts::tree::node::NONE;
use crate::facts::tree::role::Role;

impl Tree {
    /// A span that does not say its side serves a call where its parent is another process's, or
    /// where it has none. One that does not, and under which there is nothing but one span of
    /// another process, is the caller's side. So is one that says plainly whom it calls, and under
    /// which there is one span of another process at most.
    ///
    /// Where a service says of none of its spans on which side they are, its inner spans do not say
    /// it either: that is what a span's kind is where nobody chose it.
    pub(super) fn infer_roles(&mut self, set: &TraceSet, instances: &Instances<'_>) {
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            let parent = node.parent;
            let is_entry = parent == NONE || self.nodes[parent as usize].instance != node.instance;
            if is_entry && self.is_sideless(set, instances, at) {
                self.nodes[at].role = Role::Served;
            }
        }
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            if node.role != Role::Inner || !self.is_sideless(set, instances, at) {
                continue;
            }
            let instance = node.instance;
            let elsewhere = |&child: &usize| self.nodes[child].instance != instance;
            // Two are enough to know that there is more than one.
            let others = self.children(at).filter(elsewhere).take(2).count();
            let says = || instances.plainly_called(self.span(set, at)).is_some();
            if (others == 1 && node.children == 1) || (others < 2 && says()) {
                self.nodes[at].role = Role::Call;
            }
        }
    }

    /// Whether a span may be any side of a call for all that is said of it. Of an inner span whose
    /// parent was lost not even the process on the other side is known.
    fn is_sideless(&self, set: &TraceSet, instances: &Instances<'_>, at: usize) -> bool {
        let node = &self.nodes[at];
        match self.span(set, at).kind {
            SpanKind::Unspecified => true,
            SpanKind::Internal => !node.is_adopted && !instances.says_sides(node.instance),
            _ => false,
        }
    }
}
