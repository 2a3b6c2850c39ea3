//! Changes to an instance's resources while it runs. The resources obey; they do not know why.

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::Dist;
use ragdoll_model::topology::LockScope;

/// What a resource does with work that its queue cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// RESOURCE_EXHAUSTED, HTTP 503: try again later.
    Reject,
    /// No answer: the work waits outside, unbounded, as in a listen backlog.
    Wait,
}

/// Parameters that differ from what the topology says. Absent fields change nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Servers of the instance's worker pool, or places in its running batch.
    pub servers: Option<u32>,
    /// Factor on the service time of the worker pool.
    pub service_time_factor: Option<f64>,
    /// Work that may wait.
    pub queue_bound: Option<u32>,
    /// What becomes of work past the bound.
    pub overflow: Option<Overflow>,
    /// How long the lock is held.
    pub lock_hold: Option<Dist>,
    /// What the lock protects.
    pub lock_scope: Option<LockScope>,
    /// Working memory for each byte of input.
    pub memory_bytes_per_input_byte: Option<f64>,
    /// Limit past which the process dies, in bytes.
    pub memory_budget_bytes: Option<u64>,
    /// Time spent reclaiming before the process dies.
    pub memory_reclaim_ms: Option<f64>,
    /// Time from death to readiness.
    pub memory_restart_ms: Option<f64>,
    /// Processor time that all work of the instance may use in each period of 100 ms; 0 for no
    /// quota. It holds for the instance: that of a single request changes nothing.
    pub cpu_quota_ms: Option<f64>,
}

impl Overrides {
    /// These, with `other`'s fields in place of ours where it has them.
    pub fn merged(&self, other: &Overrides) -> Overrides {
        Overrides {
            servers: other.servers.or(self.servers),
            service_time_factor: other.service_time_factor.or(self.service_time_factor),
            queue_bound: other.queue_bound.or(self.queue_bound),
            overflow: other.overflow.or(self.overflow),
            lock_hold: other.lock_hold.or(self.lock_hold),
            lock_scope: other.lock_scope.or(self.lock_scope),
            memory_bytes_per_input_byte: other
                .memory_bytes_per_input_byte
                .or(self.memory_bytes_per_input_byte),
            memory_budget_bytes: other.memory_budget_bytes.or(self.memory_budget_bytes),
            memory_reclaim_ms: other.memory_reclaim_ms.or(self.memory_reclaim_ms),
            memory_restart_ms: other.memory_restart_ms.or(self.memory_restart_ms),
            cpu_quota_ms: other.cpu_quota_ms.or(self.cpu_quota_ms),
        }
    }
}

type Listener = dyn Fn(&Overrides) + Send + Sync;

/// The changes in force on one instance. Later changes win over earlier ones, field by field.
#[derive(Clone, Default)]
pub struct Controls {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    in_force: Vec<(u64, Overrides)>,
    merged: Arc<Overrides>,
    next_handle: u64,
    listeners: Vec<Arc<Listener>>,
}

impl Controls {
    /// The parameters in force now.
    pub fn current(&self) -> Arc<Overrides> {
        self.lock().merged.clone()
    }

    /// Puts a change in force; the handle takes it back.
    pub fn apply(&self, overrides: Overrides) -> u64 {
        let handle = {
            let mut inner = self.lock();
            let handle = inner.next_handle;
            inner.next_handle += 1;
            inner.in_force.push((handle, overrides));
            inner.remerge();
            handle
        };
        self.notify();
        handle
    }

    /// Takes a change back. A handle that is not in force changes nothing.
    pub fn revert(&self, handle: u64) {
        {
            let mut inner = self.lock();
            inner.in_force.retain(|(held, _)| *held != handle);
            inner.remerge();
        }
        self.notify();
    }

    /// Calls `listener` with what is in force after every change, so that a resource can let
    /// waiting work in.
    pub fn on_change(&self, listener: impl Fn(&Overrides) + Send + Sync + 'static) {
        self.lock().listeners.push(Arc::new(listener));
    }

    fn notify(&self) {
        let (listeners, merged) = {
            let inner = self.lock();
            (inner.listeners.clone(), inner.merged.clone())
        };
        for listener in listeners {
            listener(&merged);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn remerge(&mut self) {
        let merged = self
            .in_force
            .iter()
            .fold(Overrides::default(), |all, (_, next)| all.merged(next));
        self.merged = Arc::new(merged);
    }
}

impl std::fmt::Debug for Controls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Controls")
            .field("current", &self.current())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_change_wins_and_taking_it_back_uncovers_the_earlier_one() {
        let controls = Controls::default();
        let servers = |count| Overrides {
            servers: Some(count),
            ..Overrides::default()
        };
        let first = controls.apply(servers(4));
        let second = controls.apply(servers(2));
        assert_eq!(controls.current().servers, Some(2));
        controls.revert(second);
        assert_eq!(controls.current().servers, Some(4));
        controls.revert(first);
        assert_eq!(*controls.current(), Overrides::default());
    }
}
