//! One span of a tree.

use crate::facts::ids::InstanceId;
use crate::facts::tree::role::Role;

/// The position of a span that is not there.
pub(super) const NONE: u32 = u32::MAX;

/// One span of the trace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Position in the trace set.
    pub(crate) span: u32,
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    /// Until when its parent waited for it: its end, unless it was outrun by a copy of it or
    /// nobody waited for it at all.
    pub(crate) awaited_until_ns: u64,
    /// The process that recorded it.
    pub(crate) instance: InstanceId,
    /// A call: the process that it calls, where that is known.
    pub(crate) callee: Option<InstanceId>,
    /// A failed call that was tried again, or the wait between two attempts.
    pub(crate) retried: bool,
    /// A call that was cancelled because another copy of it had been answered: no failure.
    pub(crate) outrun: bool,
    /// A call of which the callee's own span is known.
    pub(crate) answered: bool,
    pub(super) role: Role,
    /// Its parent was lost; the one that it has was chosen for it.
    pub(super) is_adopted: bool,
    pub(super) parent: u32,
    pub(super) first_child: u32,
    pub(super) children: u32,
}
