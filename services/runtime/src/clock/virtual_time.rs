//! Virtual time: a number, and the timers that wait for it to grow.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// The time of one run, in microseconds.
#[derive(Debug, Default)]
pub(super) struct VirtualTime {
    now_us: AtomicU64,
    timers: Mutex<Timers>,
}

/// Timers by the time at which they fire, then by the order of their arming. A timer that is
/// disarmed stays in the heap, where its slot no longer knows it, until its time comes.
#[derive(Debug, Default)]
struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    next_number: u64,
    due: Vec<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at_us: u64,
    number: u64,
    slot: u32,
}

#[derive(Debug)]
struct Slot {
    number: u64,
    waker: Option<Waker>,
}

impl Timers {
    fn arm(&mut self, at_us: u64, waker: Waker) -> u32 {
        let number = self.next_number;
        self.next_number += 1;
        let armed = Slot {
            number,
            waker: Some(waker),
        };
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = armed;
                slot
            }
            None => {
                self.slots.push(armed);
                (self.slots.len() - 1) as u32
            }
        };
        self.heap.push(Reverse(Entry {
            at_us,
            number,
            slot,
        }));
        slot
    }

    fn disarm(&mut self, slot: u32) {
        let disarmed = Slot {
            number: u64::MAX,
            waker: None,
        };
        self.slots[slot as usize] = disarmed;
        self.free.push(slot);
    }

    /// When the first timer that is still armed fires. Those before it that are not are forgotten.
    fn next_us(&mut self) -> Option<u64> {
        while let Some(Reverse(first)) = self.heap.peek() {
            let slot = &self.slots[first.slot as usize];
            if slot.number == first.number && slot.waker.is_some() {
                return Some(first.at_us);
            }
            self.heap.pop();
        }
        None
    }
}

impl VirtualTime {
    pub(super) fn now_us(&self) -> u64 {
        self.now_us.load(Ordering::Relaxed)
    }

    pub(super) fn wait_until(&self, at_us: u64) -> Wait<'_> {
        Wait {
            time: self,
            at_us,
            slot: None,
        }
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
            while timers.next_us() == Some(at_us) {
                let Some(Reverse(fired)) = timers.heap.pop() else {
                    break;
                };
                due.extend(timers.slots[fired.slot as usize].waker.take());
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
    slot: Option<u32>,
}

impl Future for Wait<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now_us() >= self.at_us {
            return Poll::Ready(());
        }
        let time = self.time;
        let mut timers = time.timers();
        match self.slot {
            None => self.slot = Some(timers.arm(self.at_us, context.waker().clone())),
            Some(slot) => {
                if let Some(waker) = &mut timers.slots[slot as usize].waker {
                    waker.clone_from(context.waker());
                }
            }
        }
        Poll::Pending
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.time.timers().disarm(slot);
        }
    }
}
