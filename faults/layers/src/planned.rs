//! A fault of a run, before it is armed.

use ragdoll_fault_spec::FaultSpec;
use serde::{Deserialize, Serialize};

/// A fault and when it is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// What it does and where.
    pub spec: FaultSpec,
    /// First microsecond of the run at which it is in force.
    pub start_us: u64,
    /// First microsecond at which it no longer is.
    pub stop_us: u64,
}
