//! Virtual time: a number, and the timers that wait for it to grow.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::timers::{TimeSource, Timers, Wait};

/// The time of one run, in microseconds.
#[derive(Debug, Default)]
pub(super) struct VirtualTime {
    now_us: AtomicU64,
    timers: Mutex<Timers>,
}

impl TimeSource for VirtualTime {
    fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::Relaxed)
    }

    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VirtualTime {
    pub(super) fn wait_until(&self, at_us: u64) -> Wait<'_, Self> {
        Wait::new(self, at_us)
    }

    /// Jumps to the next timer and wakes everybody who waits for that moment.
    pub(super) fn advance(&self) {
        let mut due = {
            let mut timers = self.timers();
            let mut due = std::mem::take(&mut timers.due);
            let Some(at_us) = timers.next_us() else {
                drop(timers);
                panic!(
                    "nothing can happen any more at {} us: everything waits, and no timer is armed",
                    self.now_us()
                );
            };
            self.now_us.store(at_us, Ordering::Relaxed);
            timers.fire(at_us, &mut due);
            due
        };
        // Outside the lock: waking may run code that arms timers.
        for waker in due.drain(..) {
            waker.wake();
        }
        self.timers().due = due;
    }
}
