//! Memory of a process: more than it holds when it is idle.

use ragdoll_model::topology::Memory;

use crate::document::{KeyPath, Problems};

pub(super) fn check_memory(memory: &Memory, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    if memory.base_bytes >= memory.budget_bytes {
        problems.add(
            &path.key("budget_bytes"),
            format!(
                "is {}, which the idle process fills: `base_bytes` is {}",
                memory.budget_bytes, memory.base_bytes
            ),
            "raise the budget above the base",
        );
    }
}
