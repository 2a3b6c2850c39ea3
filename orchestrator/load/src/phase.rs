//! What is asked of one phase.

use ragdoll_model::Arrivals;

/// The load of one phase.
#[derive(Clone, Debug, PartialEq)]
pub struct PhaseLoad {
    /// Names the phase's random stream. Of phases with the same name each has a stream of its own.
    pub name: String,
    /// First microsecond of the run in the phase.
    pub start_us: u64,
    /// First microsecond of the run after the phase.
    pub end_us: u64,
    /// When requests arrive.
    pub arrivals: Arrivals,
}
