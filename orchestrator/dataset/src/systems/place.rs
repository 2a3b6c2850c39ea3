//! What is known of a service before anything runs.

use ragdoll_model::Service;

/// What is known of a service that requests pass.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) service: Service,
    /// Copies that share the calls: of a shard, the replicas of one partition.
    pub(crate) copies: u32,
    /// Calls a second that one copy gets.
    pub(crate) rate_per_s: f64,
    /// Work of its own for a call, in milliseconds.
    pub(crate) work_ms: f64,
    /// Time from a call to its answer without any wait, in milliseconds.
    pub(crate) call_ms: f64,
    /// Time for which a call takes one of its servers, in milliseconds.
    pub(crate) held_ms: f64,
    /// Servers of one copy.
    pub(crate) servers: u32,
    /// Time for which a call holds its lock, where it has one.
    pub(crate) lock_ms: Option<f64>,
    /// How many of its calls a request makes at once, at the most.
    pub(crate) siblings: u32,
}

impl Place {
    /// Servers that one copy keeps busy on average.
    pub(crate) fn busy(&self) -> f64 {
        self.rate_per_s * self.held_ms / 1000.0
    }
}
