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
}

/// As many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full {
    pub(crate) waiting: usize,
}

impl Gate {
    pub(crate) fn new(clock: Clock, capacity: u32) -> Self {
        let state = State {
            capacity,
            inside: 0,
            waiting: VecDeque::new(),
            next_waiter: 0,
            usage: TimeAverage::default(),
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
            if state.inside < state.capacity && state.waiting.is_empty() {
                state.change_inside(1, self.inner.clock.now_us());
                return Ok(Pass { gate: self.clone() });
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
        self.state().capacity = capacity.max(1);
        self.admit_waiting();
    }

    /// Mean number inside since the last sample, over the capacity.
    pub(crate) fn sample_utilization(&self, now_us: u64) -> f64 {
        let mut state = self.state();
        let inside = state.usage.sample(now_us);
        inside / f64::from(state.capacity)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    pub(crate) fn inside(&self) -> u32 {
        self.state().inside
    }

    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state();
        state.inside == 0 && state.waiting.is_empty()
    }

    /// Passes are handed over outside the state's lock: one that nobody takes is dropped at once,
    /// which comes back here.
    fn admit_waiting(&self) {
        loop {
            let waiter = {
                let mut state = self.state();
                if state.inside >= state.capacity {
                    return;
                }
                let Some(waiter) = state.waiting.pop_front() else {
                    return;
                };
                state.change_inside(1, self.inner.clock.now_us());
                waiter
            };
            // A waiter that left meanwhile gives its pass back by dropping it.
            let _ = waiter.admit.send(Pass { gate: self.clone() });
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
    fn change_inside(&mut self, change: i32, now_us: u64) {
        self.inside = self.inside.checked_add_signed(change).unwrap_or_else(|| {
            panic!(
                "a gate with {} inside cannot change by {change}",
                self.inside
            )
        });
        self.usage.set(now_us, f64::from(self.inside));
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
mod tests {
    use super::*;
    use ragdoll_runtime::run_virtual;

    #[test]
    fn those_who_wait_are_let_in_in_order_and_one_who_gives_up_is_passed_over() {
        run_virtual(|clock| async move {
            let gate = Gate::new(clock.clone(), 1);
            let first = gate.enter(None).await.expect("empty");
            let order = Arc::new(Mutex::new(Vec::new()));
            for name in ["a", "b", "c"] {
                let (gate, clock, order) = (gate.clone(), clock.clone(), order.clone());
                tokio::spawn(async move {
                    let patience_us = if name == "b" { 5 } else { 1000 };
                    if let Ok(Ok(_pass)) = clock.timeout_us(patience_us, gate.enter(None)).await {
                        order
                            .lock()
                            .expect("not poisoned")
                            .push((name, clock.now_us()));
                        clock.sleep_us(10).await;
                    }
                });
            }
            clock.sleep_us(7).await;
            assert_eq!(gate.waiting(), 2);
            drop(first);
            clock.sleep_us(100).await;
            assert_eq!(*order.lock().expect("not poisoned"), [("a", 7), ("c", 17)]);
            assert!(gate.is_idle());
        });
    }

    #[test]
    fn a_full_queue_refuses_and_a_larger_capacity_lets_in() {
        run_virtual(|clock| async move {
            let gate = Gate::new(clock.clone(), 1);
            let _inside = gate.enter(Some(1)).await.expect("empty");
            let waiting = tokio::spawn({
                let gate = gate.clone();
                async move { gate.enter(Some(1)).await.map(|_pass| ()) }
            });
            clock.sleep_us(1).await;
            assert_eq!(
                gate.enter(Some(1)).await.map(|_| ()),
                Err(Full { waiting: 1 })
            );
            gate.set_capacity(2);
            assert_eq!(waiting.await.expect("not cancelled"), Ok(()));
        });
    }
}
