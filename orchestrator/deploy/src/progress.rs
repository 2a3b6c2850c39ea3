//! How far a run is, for whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Simulated time that has passed. Cheap to clone; read from another thread.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    now_us: Arc<AtomicU64>,
}

impl Progress {
    /// Microseconds of the run so far.
    pub fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, now_us: u64) {
        self.now_us.store(now_us, Ordering::Relaxed);
    }
}
