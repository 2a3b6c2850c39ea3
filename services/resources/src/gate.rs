//! A first-come, first-served gate: what workers, locks and pools have in common.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_runtime::Clock;
use tokio::sync::oneshot;

use crate::average::TimeAverage;

/// Lets a limited number in at a time; the others wait in the order in which they came.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    capacity: u32,
    inside: u32,
    waiting: VecDeque<Waiter>,
    next_waiter: u64,
    /// Whether something that is in no queue keeps everybody out.
    closed: bool,
    /// Share of the capacity that is used. Those who stay inside past a cut of the capacity do not
    /// make it more than all of it.
    usage: TimeAverage,
}

#[derive(Debug)]
struct Waiter {
    number: u64,
    admit: oneshot::Sender<Pass>,
}

/// The right to be inside; dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct Pass {
    gate: Gate,
    waited: bool,
}

impl Pass {
    /// Whether its holder had to wait for it.
    pub(crate) fn waited(&self) -> bool {
        self.waited
    }
}

/// As many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) waiting: usize,
}

impl Gate {
    /// A gate with nobody inside. Its first sample of utilization covers the time from `since_us`,
    /// at which there was none.
    pub(crate) fn new(clock: Clock, capacity: u32, since_us: u64) -> Self {
        let state = State {
            capacity: capacity.max(1),
            inside: 0,
            waiting: VecDeque::new(),
            next_waiter: 0,
            closed: false,
            usage: TimeAverage::since(since_us),
        };
        Gate {
            inner: Arc::new(Inner {
                clock,
                state: Mutex::new(state),
            }),
        }
    }

    /// Waits to be let in. `bound` is how many may wait, `None` for any number.
    pub(crate) async fn enter(&self, bound: Option<usize>) -> Result<Pass, Full> {
        let (number, admitted) = {
            let mut state = self.state();
            if state.has_room() && state.waiting.is_empty() {
                state.change_inside(1, self.inner.clock.now_us());
                return Ok(Pass {
                    gate: self.clone(),
                    waited: false,
                });
            }
            let waiting = state.waiting.len();
            if bound.is_some_and(|bound| waiting >= bound) {
                return Err(Full { waiting });
            }
            let (admit, admitted) = oneshot::channel();
            let number = state.next_waiter;
            state.next_waiter += 1;
            state.waiting.push_back(Waiter { number, admit });
            (number, admitted)
        };
        let _leave_queue = LeaveQueue { gate: self, number };
        let pass = admitted.await;
        Ok(pass.expect("a waiter stays in the queue until it is let in or leaves"))
    }

    /// Changes how many may be inside, at least 1. Those inside stay.
    pub(crate) fn set_capacity(&self, capacity: u32) {
        {
            let mut state = self.state();
            state.capacity = capacity.max(1);
            state.change_inside(0, self.inner.clock.now_us());
        }
        self.admit_waiting();
    }

    /// Lets nobody in any more, or lets them in again. Those inside stay. A gate that is closed is
    /// used in whole.
    pub(crate) fn set_closed(&self, closed: bool) {
        {
            let mut state = self.state();
            state.closed = closed;
            state.change_inside(0, self.inner.clock.now_us());
        }
        self.admit_waiting();
    }

    /// Mean share of the capacity that was used since the last sample.
    pub(crate) fn sample_utilization(&self, now_us: u64) -> f64 {
        self.state().usage.sample(now_us)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    pub(crate) fn capacity(&self) -> u32 {
        self.state().capacity
    }

    pub(crate) fn inside(&self) -> u32 {
        self.state().inside
    }

    /// Whether nobody but the caller has a handle, and so nobody can be inside or wait.
    pub(crate) fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }

    /// Passes are handed over outside the state's lock: one that nobody takes is dropped at once,
    /// which comes back here.
    fn admit_waiting(&self) {
        loop {
            let waiter = {
                let mut state = self.state();
                if !state.has_room() {
                    return;
                }
                let Some(waiter) = state.waiting.pop_front() else {
                    return;
                };
                state.change_inside(1, self.inner.clock.now_us());
                waiter
            };
            // A waiter that left meanwhile gives its pass back by dropping it.
            let _ = waiter.admit.send(Pass {
                gate: self.clone(),
                waited: true,
            });
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_room(&self) -> bool {
        !self.closed && self.inside < self.capacity
    }

    fn change_inside(&mut self, change: i32, now_us: u64) {
        self.inside = self.inside.checked_add_signed(change).unwrap_or_else(|| {
            panic!(
                "a gate with {} inside cannot change by {change}",
                self.inside
            )
        });
        let share = match self.closed {
            true => 1.0,
            false => f64::from(self.inside) / f64::from(self.capacity),
        };
        self.usage.set(now_us, share.min(1.0));
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let now_us = self.gate.inner.clock.now_us();
        self.gate.state().change_inside(-1, now_us);
        self.gate.admit_waiting();
    }
}

/// Takes a waiter that gives up, or was let in, out of the queue.
struct LeaveQueue<'a> {
    gate: &'a Gate,
    number: u64,
}

impl Drop for LeaveQueue<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        // Numbers ascend, and one that was let in is no longer there.
        let position = state
            .waiting
            .binary_search_by_key(&self.number, |waiter| waiter.number);
        if let Ok(position) = position {
            state.waiting.remove(position);
        }
    }
}

#[cfg(test)]
mod tests;
