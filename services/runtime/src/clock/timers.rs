//! Timers: who waits for which moment, whatever makes time pass.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::sync::MutexGuard;
use std::task::{Context, Poll, Waker};

/// A time that passes, and the timers that wait for it.
pub(super) trait TimeSource {
    /// Microseconds of the run.
    fn now_us(&self) -> u64;

    /// Everybody who waits.
    fn timers(&self) -> MutexGuard<'_, Timers>;

    /// A timer was armed that fires before all others.
    fn armed_first(&self) {}
}

/// Timers by the time at which they fire, then by the order of their arming. A timer that is
/// disarmed stays in the heap, where its slot no longer knows it, until its time comes.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    next_number: u64,
    /// Kept between firings, so that they need not allocate.
    pub(super) due: Vec<Waker>,
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
    pub(super) fn next_us(&mut self) -> Option<u64> {
        while let Some(Reverse(first)) = self.heap.peek() {
            let slot = &self.slots[first.slot as usize];
            if slot.number == first.number && slot.waker.is_some() {
                return Some(first.at_us);
            }
            self.heap.pop();
        }
        None
    }

    /// Takes out everybody who waits for `at_us` or earlier, in the order of their times, then of
    /// their arming.
    pub(super) fn fire(&mut self, at_us: u64, due: &mut Vec<Waker>) {
        while self.next_us().is_some_and(|next_us| next_us <= at_us) {
            let Some(Reverse(fired)) = self.heap.pop() else {
                break;
            };
            due.extend(self.slots[fired.slot as usize].waker.take());
        }
    }
}

/// A wait for a moment. Dropping it disarms its timer.
#[derive(Debug)]
pub(super) struct Wait<'a, T: TimeSource> {
    time: &'a T,
    at_us: u64,
    slot: Option<u32>,
}

impl<'a, T: TimeSource> Wait<'a, T> {
    pub(super) fn new(time: &'a T, at_us: u64) -> Self {
        Wait {
            time,
            at_us,
            slot: None,
        }
    }
}

impl<T: TimeSource> Future for Wait<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.time.now_us() >= self.at_us {
            return Poll::Ready(());
        }
        let time = self.time;
        let mut timers = time.timers();
        match self.slot {
            None => {
                let is_first = timers.next_us().is_none_or(|next_us| self.at_us < next_us);
                self.slot = Some(timers.arm(self.at_us, context.waker().clone()));
                drop(timers);
                if is_first {
                    time.armed_first();
                }
            }
            Some(slot) => {
                match &mut timers.slots[slot as usize].waker {
                    Some(waker) => waker.clone_from(context.waker()),
                    // Fired since the time was read above.
                    None => context.waker().wake_by_ref(),
                }
            }
        }
        Poll::Pending
    }
}

impl<T: TimeSource> Drop for Wait<'_, T> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.time.timers().disarm(slot);
        }
    }
}
