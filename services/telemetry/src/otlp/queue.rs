//! What waits to be delivered, in a bounded queue that keeps count of what becomes of it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Things on their way to one destination. They leave in the order in which they came.
#[derive(Debug)]
pub(super) struct Queue<T> {
    limit: usize,
    state: Mutex<State<T>>,
    filled: Notify,
    settled: Notify,
    given_up: Notify,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    in_flight: usize,
    /// How many were taken in, and of how many it is known what became of them. Since they leave in
    /// order, a number says which ones.
    taken: u64,
    settled: u64,
    lost: u64,
    gives_up: bool,
    closed: bool,
    /// Whether its destination has ever answered.
    answered: bool,
}

impl<T> Queue<T> {
    /// A queue that holds at most `limit` that wait.
    pub(super) fn new(limit: usize) -> Self {
        let state = State {
            waiting: VecDeque::new(),
            in_flight: 0,
            taken: 0,
            settled: 0,
            lost: 0,
            gives_up: false,
            closed: false,
            answered: false,
        };
        Queue {
            limit,
            state: Mutex::new(state),
            filled: Notify::new(),
            settled: Notify::new(),
            given_up: Notify::new(),
        }
    }

    /// Takes in what finds room; the others are lost.
    pub(super) fn push(&self, items: impl IntoIterator<Item = T>) {
        let mut state = self.state();
        for item in items {
            if state.waiting.len() < self.limit && !state.closed {
                state.waiting.push_back(item);
                state.taken += 1;
            } else {
                state.lost += 1;
            }
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Counts what never got this far.
    pub(super) fn lose(&self, count: u64) {
        self.state().lost += count;
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Waits for something to deliver, at most `most` at a time; `None` at the end. What it returns
    /// is in flight until [`Queue::settle`], and only one lot can be.
    pub(super) async fn next(&self, most: usize) -> Option<Vec<T>> {
        loop {
            {
                let mut state = self.state();
                debug_assert_eq!(state.in_flight, 0, "one lot at a time");
                if !state.waiting.is_empty() {
                    let count = state.waiting.len().min(most);
                    state.in_flight = count;
                    return Some(state.waiting.drain(..count).collect());
                }
                if state.closed {
                    return None;
                }
            }
            self.filled.notified().await;
        }
    }

    /// What was in flight has been delivered, or is lost; unless it was given up already.
    pub(super) fn settle(&self, delivered: bool) {
        let mut state = self.state();
        let count = std::mem::take(&mut state.in_flight) as u64;
        state.settled += count;
        if !delivered {
            state.lost += count;
        }
        state.gives_up = false;
        drop(state);
        self.settled.notify_waiters();
    }

    /// Somebody is there: what was sent was taken, or refused for good.
    pub(super) fn note_answer(&self) {
        self.state().answered = true;
    }

    /// Whether its destination has ever answered.
    pub(super) fn is_answered(&self) -> bool {
        self.state().answered
    }

    /// Stops trying: what waits and what is in flight is lost.
    pub(super) fn give_up(&self) {
        let mut state = self.state();
        state.gives_up = state.in_flight > 0;
        // Counted here and not by `settle`, so that the count is right when this returns.
        let count = (std::mem::take(&mut state.in_flight) + state.waiting.len()) as u64;
        state.waiting.clear();
        state.settled += count;
        state.lost += count;
        drop(state);
        self.given_up.notify_waiters();
        self.settled.notify_waiters();
    }

    /// Waits until what is in flight is given up.
    pub(super) async fn until_given_up(&self) {
        wait_until(&self.given_up, || self.state().gives_up).await;
    }

    /// Waits until it is known what became of all that came before this call.
    pub(super) fn until_settled(&self) -> impl Future<Output = ()> {
        let mark = self.state().taken;
        wait_until(&self.settled, move || self.state().settled >= mark)
    }

    /// How many were not delivered, or perhaps were without an answer that said so.
    pub(super) fn lost(&self) -> u64 {
        self.state().lost
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until `done`, which can only have become true where `changed` wakes all who wait.
pub(super) async fn wait_until(changed: &Notify, done: impl Fn() -> bool) {
    loop {
        // Before the look: a change in between wakes this one as well.
        let woken = changed.notified();
        if done() {
            return;
        }
        woken.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;

    /// Whether the future has anything left to wait for.
    fn is_ready(future: impl Future<Output = ()>) -> bool {
        let mut future = std::pin::pin!(future);
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        future.as_mut().poll(&mut context) == Poll::Ready(())
    }

    fn next(queue: &Queue<u32>, most: usize) -> Option<Vec<u32>> {
        let mut next = std::pin::pin!(queue.next(most));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match next.as_mut().poll(&mut context) {
            Poll::Ready(items) => items,
            Poll::Pending => panic!("nothing waits"),
        }
    }

    #[test]
    fn things_leave_in_their_order_and_what_finds_no_room_is_lost() {
        let queue = Queue::new(3);
        queue.push([1, 2, 3, 4, 5]);
        assert_eq!(queue.lost(), 2);
        assert_eq!(next(&queue, 2), Some(vec![1, 2]));
        queue.settle(true);
        queue.push([6, 7, 8]);
        queue.close();
        assert_eq!(queue.lost(), 3);
        assert_eq!(next(&queue, 9), Some(vec![3, 6, 7]));
        queue.settle(false);
        assert_eq!(next(&queue, 9), None);
        queue.push([9]);
        assert_eq!(queue.lost(), 7);
    }

    #[test]
    fn all_that_came_before_is_waited_for_and_nothing_later() {
        let queue = Queue::new(9);
        assert!(is_ready(queue.until_settled()), "nothing came before");
        queue.push([1, 2]);
        let settled = queue.until_settled();
        queue.push([3]);
        assert_eq!(next(&queue, 2), Some(vec![1, 2]));
        assert!(!is_ready(queue.until_settled()));
        queue.settle(true);
        assert!(is_ready(settled), "the first two are delivered");
        assert!(!is_ready(queue.until_settled()), "the third is not");
    }

    #[test]
    fn giving_up_loses_what_waits_and_what_is_in_flight_and_nothing_later() {
        let queue = Queue::new(9);
        queue.push([1, 2, 3]);
        assert_eq!(next(&queue, 1), Some(vec![1]));
        assert!(!is_ready(queue.until_given_up()));
        queue.give_up();
        assert_eq!(queue.lost(), 3);
        assert!(is_ready(queue.until_settled()));
        assert!(is_ready(queue.until_given_up()));
        queue.settle(false);
        assert_eq!(queue.lost(), 3);
        queue.push([4]);
        assert_eq!(next(&queue, 9), Some(vec![4]));
        assert!(!is_ready(queue.until_given_up()), "what comes is tried");
    }
}
