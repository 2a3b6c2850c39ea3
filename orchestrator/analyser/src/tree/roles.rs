//! Which side of a call a span is on. Where its kind says so, that counts; many systems leave the
//! kind out, and then the processes on both sides of a parent and its child tell.

use ragdoll_trace::{SpanKind, TraceSet};

use super::{NONE, Tree};

/// What a span is to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The caller's side.
    Call,
    /// The callee's side.
    Served,
    /// Neither: work within a process.
    Inner,
}

impl Role {
    pub(super) fn of_kind(kind: SpanKind) -> Role {
        match kind {
            SpanKind::Client | SpanKind::Producer => Role::Call,
            SpanKind::Server | SpanKind::Consumer => Role::Served,
            SpanKind::Internal | SpanKind::Unspecified => Role::Inner,
        }
    }
}

impl Tree {
    /// A span of unspecified kind serves a call where its parent is another process's, or where it
    /// has none. One that does not, and under which there is nothing but one span of another
    /// process, is the caller's side.
    pub(super) fn infer_roles(&mut self, set: &TraceSet) {
        let unspecified = |tree: &Tree, at: usize| tree.span(set, at).kind == SpanKind::Unspecified;
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            let parent = node.parent;
            let is_entry =
                parent == NONE || self.nodes[parent as usize].party != self.nodes[at].party;
            if is_entry && unspecified(self, at) {
                self.nodes[at].role = Role::Served;
            }
        }
        for at in 0..self.nodes.len() {
            let node = &self.nodes[at];
            if node.role != Role::Inner || node.children != 1 || !unspecified(self, at) {
                continue;
            }
            let child = self.child_list[node.first_child as usize] as usize;
            if self.nodes[child].party != node.party {
                self.nodes[at].role = Role::Call;
            }
        }
    }
}
