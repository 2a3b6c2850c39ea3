//! Changes to an instance's resources while it runs. The resources obey; they do not know why.

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::Dist;
use ragdoll_model::topology::{FanOut, LockScope};

/// What a resource does with work that its queue cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overflow {
    /// RESOURCE_EXHAUSTED, HTTP 503: try again later.
    Reject,
    /// No answer: the work waits outside, unbounded, as in a listen backlog.
    Wait,
}

/// Declares the fields of [`Overrides`] once, for the struct and for merging.
macro_rules! overrides {
    ($($(#[$doc:meta])* $field:ident: $type:ty,)+) => {
        /// Parameters that differ from what the topology says. Absent fields change nothing.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Overrides {
            $($(#[$doc])* pub $field: Option<$type>,)+
        }

        impl Overrides {
            /// These, with `other`'s fields in place of ours where it has them.
            pub fn merged(&self, other: &Overrides) -> Overrides {
                Overrides {
                    $($field: other.$field.or(self.$field),)+
                }
            }
        }
    };
}

overrides! {
    /// Servers of the instance's worker pool, or places in its running batch.
    servers: u32,
    /// Factor on the service time of the worker pool.
    service_time_factor: f64,
    /// Work that may wait.
    queue_bound: u32,
    /// What becomes of work past the bound.
    overflow: Overflow,
    /// How long the lock is held.
    lock_hold: Dist,
    /// What the lock protects.
    lock_scope: LockScope,
    /// Whether work of the instance's own, such as a schema change, holds the lock. It holds for the
    /// instance: that of a single request changes nothing.
    lock_seized: bool,
    /// Time that handing the lock over to one who waits takes; nothing where nobody waits.
    lock_handoff_ms: f64,
    /// Time after which the holder finds itself in a deadlock and gives up, with the lock held until
    /// then.
    deadlock_ms: f64,
    /// Whether maintenance holds the write lock of the shard's index. It holds for the instance.
    index_locked: bool,
    /// Working memory for each byte of input.
    memory_bytes_per_input_byte: f64,
    /// Limit past which the process dies, in bytes.
    memory_budget_bytes: u64,
    /// Time spent reclaiming before the process dies.
    memory_reclaim_ms: f64,
    /// Time from death to readiness.
    memory_restart_ms: f64,
    /// Bytes each request leaves behind for good.
    memory_leak_bytes_per_request: u64,
    /// Garbage each request makes for each byte of working memory.
    garbage_factor: f64,
    /// How long a collection stops the process.
    gc_pause: Dist,
    /// Processor time that all work of the instance may use in each period of 100 ms; 0 for no
    /// quota. It holds for the instance: that of a single request changes nothing.
    cpu_quota_ms: f64,
    /// Share of its processors' time that others take from the instance, from 0 to below 1.
    cpu_stolen: f64,
    /// Factor on the time of an operation of the disk, queue and moved bytes included.
    disk_time_factor: f64,
    /// Time until what was written is on the disk for good.
    disk_fsync: Dist,
    /// Share of reads that the page cache answers, from 0 to 1.
    disk_cached_share: f64,
    /// Whether there is no room on the disk for what is written.
    disk_full: bool,
    /// Factor on the time that an accelerator takes for a request.
    device_time_factor: f64,
    /// Factor on the processor time that reading and writing messages takes.
    codec_time_factor: f64,
    /// Probability that a further step of an agent's loop follows, from 0 to 1.
    repeat_again: f64,
    /// Connections of each of the instance's pools that can be used, at least 1. It holds for the
    /// instance.
    pool_size: u32,
    /// File descriptors that each request leaves open, on average.
    descriptors_leaked: f64,
    /// File descriptors that the process may have open.
    descriptor_limit: u32,
    /// Factor on the time that the batch takes which this request is in: nobody in it is done before
    /// the slowest.
    batch_item_factor: f64,
    /// KV-cache blocks of the inference engine. It holds for the instance.
    kv_blocks: u32,
    /// Tokens of prompt and answer that the model takes.
    context_tokens: u32,
    /// How several calls are made.
    fan_out: FanOut,
    /// Factor on the time to merge parallel answers.
    merge_time_factor: f64,
    /// The partition that the coordinator does not know of, from 0.
    unknown_partition: u32,
    /// Share of the documents of which a shard has an old version, from 0 to 1.
    stale_share: f64,
    /// Whether calls go to the first instance of a service, whatever the balance.
    balance_skew: bool,
    /// Whether the instance's caches are out of reach.
    cache_down: bool,
    /// Entries of the instance's caches that are older than this time of the run, in microseconds,
    /// have expired.
    cache_expired_us: u64,
    /// Whether the instance says that it is not ready. It holds for the instance.
    unready: bool,
    /// Microseconds by which the instance's clock is ahead, as its telemetry shows.
    clock_skew_us: i64,
    /// Attempts of each call that the instance makes, at least 1.
    attempts: u32,
    /// Mean wait before a second attempt.
    backoff_ms: f64,
    /// Deadline of one attempt; 0 for none.
    timeout_ms: f64,
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
