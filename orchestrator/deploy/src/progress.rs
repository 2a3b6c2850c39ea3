//! How far a run is, for whoever waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Time of the run that has passed, and what is worth telling besides its result. Cheap to clone; read from another thread.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    now_us: Arc<AtomicU64>,
    notes: Arc<Mutex<Vec<String>>>,
}

impl Progress {
    /// Microseconds of the run so far.
    pub fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::Relaxed)
    }

    /// What was lost or refused on the way, in sentences, whether or not the run succeeded.
    pub fn notes(&self) -> Vec<String> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.clone()
    }

    pub(crate) fn note(&self, note: String) {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.push(note);
    }

    pub(crate) fn set(&self, now_us: u64) {
        self.now_us.store(now_us, Ordering::Relaxed);
    }
}
