//! What a ground yields, before anybody looks at it.

use ragdoll_collector::Collected;
use ragdoll_experiment::{Journal, MachineRecord, RequestOutcome};

/// Everything that was seen and done in a run.
pub(crate) struct Recording {
    /// Name of the ground.
    pub(crate) ground: &'static str,
    pub(crate) requests: Vec<RequestOutcome>,
    pub(crate) collected: Collected,
    pub(crate) journal: Journal,
    /// Unix time at which the run began, in microseconds.
    pub(crate) epoch_unix_us: u64,
    /// How well the machine held the load, where time really passed.
    pub(crate) machine: Option<MachineRecord>,
}
