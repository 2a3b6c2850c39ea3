//! The spans of one trace as a tree.

mod clocks;
pub(crate) mod node;
mod orphans;
mod role;
mod roles;
mod waits;

use ragdoll_trace::{Span, TraceSet, TraceSpans};

use crate::facts::instances::Instances;
use crate::facts::names::spans::Names;
use crate::facts::repairs::Repairs;
use crate::facts::tree::node::{NONE, Node};
use crate::facts::tree::role::Role;

/// A tree whose memory is used again for trace after trace.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    child_list: Vec<u32>,
    by_id: Vec<(u64, u32)>,
    walks: Vec<u32>,
    /// Position of the root among the nodes.
    pub(crate) root: usize,
    /// What was put right in this trace.
    pub(crate) repairs: Repairs,
}

impl Tree {
    /// Reads the tree of a trace, in the place of the one before.
    pub(crate) fn build(
        &mut self,
        set: &TraceSet,
        names: &Names,
        instances: &Instances<'_>,
        trace: TraceSpans<'_>,
    ) {
        self.repairs = Repairs::default();
        self.read_nodes(set, instances, trace);
        self.find_parents(set);
        self.cut_cycles();
        self.adopt_orphans(set, instances);
        self.list_children();
        self.infer_roles(set, instances);
        if self.correct_clocks(set, instances) {
            self.sort_children();
        }
        self.find_callees(set, instances);
        self.find_repetitions(set, names, instances);
        if self.find_unawaited(set) {
            self.sort_children();
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn node(&self, node: usize) -> &Node {
        &self.nodes[node]
    }

    pub(crate) fn span<'a>(&self, set: &'a TraceSet, node: usize) -> &'a Span {
        &set.spans()[self.nodes[node].span as usize]
    }

    /// Children, those that were waited for longest first.
    pub(crate) fn children(&self, node: usize) -> impl DoubleEndedIterator<Item = usize> {
        let Node {
            first_child,
            children,
            ..
        } = self.nodes[node];
        self.child_list[first_child as usize..(first_child + children) as usize]
            .iter()
            .map(|&child| child as usize)
    }

    /// Whether a span is a call as its caller sees it.
    pub(crate) fn is_call(&self, node: usize) -> bool {
        self.nodes[node].role == Role::Call
    }

    /// Whether a span is a call as its callee sees it.
    pub(crate) fn is_served(&self, node: usize) -> bool {
        self.nodes[node].role == Role::Served
    }

    pub(crate) fn parent(&self, node: usize) -> Option<usize> {
        let parent = self.nodes[node].parent;
        (parent != NONE).then_some(parent as usize)
    }

    fn read_nodes(&mut self, set: &TraceSet, instances: &Instances<'_>, trace: TraceSpans<'_>) {
        self.nodes.clear();
        self.by_id.clear();
        for (at, &position) in trace.spans.iter().enumerate() {
            let span = &set.spans()[position as usize];
            self.by_id.push((span.span_id, at as u32));
            self.nodes.push(Node {
                span: position,
                start_ns: span.start_ns,
                end_ns: span.end_ns.max(span.start_ns),
                awaited_until_ns: span.end_ns.max(span.start_ns),
                instance: instances.of(span.resource),
                callee: None,
                retried: false,
                outrun: false,
                answered: false,
                role: Role::of_kind(span.kind),
                is_adopted: false,
                parent: NONE,
                first_child: 0,
                children: 0,
            });
        }
        self.by_id.sort_unstable();
    }

    /// The root is the first span that names no parent, else the first whose parent is missing.
    fn find_parents(&mut self, set: &TraceSet) {
        let mut first_root = None;
        let mut first_orphan = None;
        for at in 0..self.nodes.len() {
            let span = self.span(set, at);
            let Some(parent_id) = span.parent_id else {
                first_root = first_root.or(Some(at));
                continue;
            };
            match self.find(parent_id.get()) {
                Some(parent) if parent as usize != at => self.nodes[at].parent = parent,
                Some(_) => self.repairs.circles += 1,
                None => first_orphan = first_orphan.or(Some(at)),
            }
        }
        self.repairs.roots_lost = u64::from(first_root.is_none());
        if first_root.is_none() && first_orphan.is_none() {
            self.repairs.circles += u64::from(self.nodes[0].parent != NONE);
        }
        // Where every span has a parent in the trace, the parents form a cycle: it is cut anywhere.
        self.root = first_root.or(first_orphan).unwrap_or(0);
        self.nodes[self.root].parent = NONE;
    }

    /// The first span with this id.
    fn find(&self, id: u64) -> Option<u32> {
        let found = self.by_id.partition_point(|&(other, _)| other < id);
        let &(other, at) = self.by_id.get(found)?;
        (other == id).then_some(at)
    }

    /// Spans that are each other's ancestors are under nobody: one of each circle loses its parent.
    fn cut_cycles(&mut self) {
        // Number of the walk on which a node was first met; 0 for none yet.
        self.walks.clear();
        self.walks.resize(self.nodes.len(), 0);
        for from in 0..self.nodes.len() {
            let walk = from as u32 + 1;
            let mut at = from;
            while self.walks[at] == 0 {
                self.walks[at] = walk;
                let parent = self.nodes[at].parent;
                if parent == NONE {
                    break;
                }
                if self.walks[parent as usize] == walk {
                    self.nodes[at].parent = NONE;
                    self.repairs.circles += 1;
                    break;
                }
                at = parent as usize;
            }
        }
    }

    fn list_children(&mut self) {
        for at in 0..self.nodes.len() {
            let parent = self.nodes[at].parent;
            if parent != NONE {
                self.nodes[parent as usize].children += 1;
            }
        }
        let mut next = 0;
        for node in &mut self.nodes {
            node.first_child = next;
            next += node.children;
            node.children = 0;
        }
        self.child_list.clear();
        self.child_list.resize(next as usize, NONE);
        for at in 0..self.nodes.len() {
            let parent = self.nodes[at].parent;
            if parent != NONE {
                let parent = &mut self.nodes[parent as usize];
                self.child_list[(parent.first_child + parent.children) as usize] = at as u32;
                parent.children += 1;
            }
        }
        self.sort_children();
    }

    fn sort_children(&mut self) {
        let nodes = &self.nodes;
        for node in nodes.iter().filter(|node| node.children > 1) {
            let range = node.first_child as usize..(node.first_child + node.children) as usize;
            self.child_list[range].sort_unstable_by_key(|&child| {
                let node = &nodes[child as usize];
                (!node.awaited_until_ns, !node.start_ns, child)
            });
        }
    }

    fn find_callees(&mut self, set: &TraceSet, instances: &Instances<'_>) {
        for at in 0..self.nodes.len() {
            let span = self.span(set, at);
            if !self.is_call(at) {
                continue;
            }
            let instance = self.nodes[at].instance;
            let answer = self
                .children(at)
                .find(|&child| self.is_served(child) || self.nodes[child].instance != instance);
            // A process that died leaves parts of its work behind, but not the span around them. What it called is
            // under the call of it then, and no answer to it where the call says whom it was for.
            let is_adopted = |&child: &usize| {
                self.span(set, child)
                    .parent_id
                    .map(std::num::NonZeroU64::get)
                    != Some(span.span_id)
            };
            let said = || {
                let child = answer.filter(is_adopted)?;
                let of = |instance| instances.service(instance);
                let called = instances.called(span)?;
                (of(called) != of(self.nodes[child].instance)).then_some(called)
            };
            let (callee, answered) = match (said(), answer) {
                (Some(called), _) => (Some(called), false),
                (None, Some(child)) => (Some(self.nodes[child].instance), self.is_served(child)),
                (None, None) => (instances.called(span), false),
            };
            self.nodes[at].callee = callee;
            self.nodes[at].answered = answered;
        }
    }
}
