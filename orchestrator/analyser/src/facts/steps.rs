//! What the spans of each operation do: which operations they lead to directly. A process that gives
//! up half way does not take longer, and may not even say that it failed; but it no longer does what
//! it did before.

use ragdoll_trace::{Symbol, TraceSet};
use rustc_hash::FxHashMap;

use crate::facts::ids::ServiceId;
use crate::facts::instances::Instances;
use crate::facts::names::spans::{Names, is_failed};
use crate::facts::time::Window;
use crate::facts::tree::Tree;

/// An operation of a service.
pub(crate) type Operation = (ServiceId, Symbol);

/// Which operations a span led to, each once, in the order of their numbers.
type Shape = Box<[Operation]>;

/// One span that led to others, or might have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) start_ns: u64,
    /// Number of its shape among those of its operation.
    pub(crate) shape: u32,
    /// Where the numbers of calls of each operation of the shape begin.
    counts: u32,
}

impl Step {
    pub(crate) fn calls_each_once(&self) -> bool {
        self.counts == ONCE
    }
}

/// Each operation of the shape is called once.
const ONCE: u32 = u32::MAX;

/// All spans of one operation that did not fail, and of which no direct child failed.
#[derive(Clone, Debug, Default)]
pub(crate) struct OperationSteps {
    pub(crate) shapes: Vec<Shape>,
    number_by_shape: FxHashMap<Shape, u32>,
    /// In the order of start.
    steps: Vec<Step>,
    /// How often the spans that call an operation more than once call those of their shapes.
    counts: Vec<u16>,
}

/// The spans of every operation that ever led to others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Steps {
    operations: Vec<(Operation, OperationSteps)>,
    position_by_operation: FxHashMap<Operation, u32>,
    children: Vec<Operation>,
}

impl Steps {
    /// Adds the spans of one trace. Waits are no steps, and calls that failed or were tried again
    /// are another question's.
    pub(crate) fn add(
        &mut self,
        tree: &Tree,
        set: &TraceSet,
        names: &Names,
        instances: &Instances<'_>,
    ) {
        for at in 0..tree.len() {
            let span = tree.span(set, at);
            let is_leaf_call = tree.is_call(at) || names.says_cause(span);
            if is_leaf_call || is_failed(span) {
                continue;
            }
            let mut children = std::mem::take(&mut self.children);
            children.clear();
            let mut sound = true;
            for child in tree.children(at) {
                let child_span = tree.span(set, child);
                sound &= !is_failed(child_span) || tree.node(child).outrun;
                if !names.says_cause(child_span) {
                    let service = instances.service(tree.node(child).instance);
                    children.push((service, child_span.name));
                }
            }
            if sound {
                children.sort_unstable();
                let operation = (instances.service(tree.node(at).instance), span.name);
                let operation_steps = self.of(operation);
                operation_steps.push(tree.node(at).start_ns, &mut children);
            }
            self.children = children;
        }
    }

    fn of(&mut self, operation: Operation) -> &mut OperationSteps {
        let operations = &mut self.operations;
        let position = *self
            .position_by_operation
            .entry(operation)
            .or_insert_with(|| {
                operations.push((operation, OperationSteps::default()));
                operations.len() as u32 - 1
            });
        &mut operations[position as usize].1
    }

    /// Adds the spans of traces that follow.
    pub(crate) fn append(&mut self, other: Steps) {
        for (operation, operation_steps) in other.operations {
            let own = self.of(operation);
            let numbers: Vec<u32> = operation_steps
                .shapes
                .iter()
                .map(|shape| own.number(shape))
                .collect();
            let shift = own.counts.len() as u32;
            own.counts.extend(operation_steps.counts);
            own.steps
                .extend(operation_steps.steps.into_iter().map(|step| Step {
                    shape: numbers[step.shape as usize],
                    counts: match step.counts {
                        ONCE => ONCE,
                        from => from + shift,
                    },
                    ..step
                }));
        }
    }

    /// Puts the spans of each operation in the order of time, and leaves out those that never led to
    /// any other.
    pub(crate) fn sort(&mut self) {
        self.position_by_operation.clear();
        self.operations.retain(|(_, operation_steps)| {
            operation_steps.shapes.iter().any(|shape| !shape.is_empty())
        });
        self.operations.sort_by_key(|&(operation, _)| operation);
        for (_, operation_steps) in &mut self.operations {
            operation_steps.steps.sort_by_key(|step| step.start_ns);
        }
    }

    /// Every operation with its spans, in the order of services.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Operation, &OperationSteps)> {
        self.operations
            .iter()
            .map(|(operation, operation_steps)| (*operation, operation_steps))
    }
}

impl OperationSteps {
    /// Adds a span that led to these operations, which are in the order of their numbers.
    fn push(&mut self, start_ns: u64, children: &mut Vec<Operation>) {
        let mut counts = ONCE;
        if children.windows(2).any(|pair| pair[0] == pair[1]) {
            counts = self.counts.len() as u32;
            let groups = children.chunk_by(|a, b| a == b);
            let numbers = groups.map(|group| u16::try_from(group.len()).unwrap_or(u16::MAX));
            self.counts.extend(numbers);
            children.dedup();
        }
        let shape = self.number(children);
        self.steps.push(Step {
            start_ns,
            shape,
            counts,
        });
    }

    /// The operations that a span led to, each with how often.
    pub(crate) fn calls(&self, step: &Step) -> impl Iterator<Item = (Operation, u16)> {
        let shape = &self.shapes[step.shape as usize];
        let counts = match step.counts {
            ONCE => &[],
            from => &self.counts[from as usize..],
        };
        let operations = shape.iter().enumerate();
        operations.map(move |(at, &operation)| (operation, counts.get(at).copied().unwrap_or(1)))
    }

    fn number(&mut self, children: &[Operation]) -> u32 {
        if let Some(&number) = self.number_by_shape.get(children) {
            return number;
        }
        let number = self.shapes.len() as u32;
        self.shapes.push(children.into());
        self.number_by_shape.insert(children.into(), number);
        number
    }

    /// The spans that start in a window.
    pub(crate) fn within(&self, window: &Window) -> &[Step] {
        window.part_of(&self.steps, |step| step.start_ns)
    }
}
