//! Virtual time: a number, and the timers that wait for it to grow.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// When a timer fires, and its number among all that were armed.
type Key = (u64, u64);

/// The time of one run, in microseconds.
#[derive(Debug, Default)]
pub(super) struct VirtualTime {
    now_us: AtomicU64,
    timers: Mutex<Timers>,
}

#[derive(Debug, Default)]
struct Timers {
    armed: BTreeMap<Key, Waker>,
    next_number: u64,
    due: Vec<Waker>,
}

impl VirtualTime {
    pub(super) fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::Relaxed)
    }

    pub(super) fn wait_until(&self, at_us: u64) -> Wait<'_> {
        Wait {
            time: self,
            at_us,
            armed: None,
        }
    }

    /// Jumps to the next timer and wakes everybody who waits for that moment.
    pub(super) fn advance(&self) {
        let mut due = {
            let mut timers = self.timers();
            let mut due = std::mem::take(&mut timers.due);
            let Some((&(at_us, _), _)) = timers.armed.first_key_value() else {
                drop(timers);
                panic!(
                    "nothing can happen any more at {} us: everything waits, and no timer is armed",
                    self.now_us()
                );
            };
            self.now_us.store(at_us, Ordering::Relaxed);
            while let Some(timer) = timers.armed.first_entry() {
                if timer.key().0 > at_us {
                    break;
                }
                due.push(timer.remove());
            }
            due
        };
        // Outside the lock: waking may run code that arms timers.
        for waker in due.drain(..) {
            waker.wake();
        }
        self.timers().due = due;
    }

    fn timers(&self) -> std::sync::MutexGuard<'_, Timers> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait for a moment. Dropping it disarms its timer.
#[derive(Debug)]
pub(super) struct Wait<'a> {
    time: &'a VirtualTime,
    at_us: u64,
    armed: Option<u64>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now_us() >= self.at_us {
            return Poll::Ready(());
        }
        let time = self.time;
        let mut timers = time.timers();
        match self.armed {
            None => {
                let number = timers.next_number;
                timers.next_number += 1;
                timers
                    .armed
                    .insert((self.at_us, number), context.waker().clone());
                self.armed = Some(number);
            }
            Some(number) => {
                if let Some(waker) = timers.armed.get_mut(&(self.at_us, number)) {
                    waker.clone_from(context.waker());
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.armed {
            self.time.timers().armed.remove(&(self.at_us, number));
        }
    }
}
