//! The life of one instance's process: up, stopped for a while, killed, up again.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::Poll;

use tokio::sync::Notify;

/// Whether an instance's process runs, and how often it was started.
#[derive(Debug, Default)]
pub struct Process {
    down: AtomicBool,
    deaths: AtomicU64,
    started_us: AtomicU64,
    back_us: AtomicU64,
    death: Notify,
    start: Notify,
    /// How many hold it still.
    freezes: AtomicU32,
    thaw: Notify,
}

impl Process {
    /// Whether the process takes requests. One that stands still takes them too; it does nothing
    /// with them.
    pub fn is_up(&self) -> bool {
        !self.down.load(Ordering::Acquire)
    }

    /// How often the process has died.
    pub fn deaths(&self) -> u64 {
        self.deaths.load(Ordering::Acquire)
    }

    /// When the process last started, in microseconds of the run.
    pub fn started_us(&self) -> u64 {
        self.started_us.load(Ordering::Acquire)
    }

    /// When a process that is down is to be started, in microseconds of the run.
    pub fn back_us(&self) -> u64 {
        self.back_us.load(Ordering::Acquire)
    }

    /// Ends the process, which stands still no longer: every [`Process::or_death`] in progress is
    /// cut. False where it was down.
    pub fn kill(&self) -> bool {
        if self.down.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.deaths.fetch_add(1, Ordering::AcqRel);
        self.freezes.store(0, Ordering::Release);
        self.death.notify_waiters();
        self.thaw.notify_waiters();
        true
    }

    /// Notes that a process that is down is to stay so until `at_us` at least. Of several such
    /// notes the latest time counts.
    pub fn keep_down_until(&self, at_us: u64) {
        self.back_us.fetch_max(at_us, Ordering::AcqRel);
    }

    /// Starts a process that was killed; `now_us` is when.
    pub fn start(&self, now_us: u64) {
        self.started_us.store(now_us, Ordering::Release);
        self.down.store(false, Ordering::Release);
        self.start.notify_waiters();
    }

    /// Waits until the process is up; returns at once where it is.
    pub async fn up(&self) {
        while !self.is_up() {
            let start = self.start.notified();
            if !self.is_up() {
                start.await;
            }
        }
    }

    /// Stops the process where it is: nothing in it goes on until as many calls of
    /// [`Process::thaw`] as there were of this.
    pub fn freeze(&self) {
        self.freezes.fetch_add(1, Ordering::AcqRel);
    }

    /// Lets a process that was stopped go on. Does nothing to one that was killed since.
    pub fn thaw(&self) {
        let less = |freezes: u32| freezes.checked_sub(1);
        let before = self
            .freezes
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        if before == Ok(1) {
            self.thaw.notify_waiters();
        }
    }

    /// Whether the process stands still.
    pub fn is_frozen(&self) -> bool {
        self.freezes.load(Ordering::Acquire) > 0
    }

    /// Waits until the process does not stand still; returns at once where it does not.
    pub async fn thawed(&self) {
        while self.is_frozen() {
            let thaw = self.thaw.notified();
            if self.is_frozen() {
                thaw.await;
            }
        }
    }

    /// Runs `work` until it is done or the process dies, whichever is first. While the process
    /// stands still so does the work; what it waits for passes all the same, as time does for a
    /// process that got a stop signal.
    pub async fn or_death<F: Future>(&self, work: F) -> Option<F::Output> {
        let death = self.death.notified();
        tokio::select! {
            biased;
            () = death => None,
            output = self.unless_frozen(work) => Some(output),
        }
    }

    async fn unless_frozen<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            self.thawed().await;
            let step = poll_fn(|context| {
                if self.is_frozen() {
                    return Poll::Ready(None);
                }
                work.as_mut().poll(context).map(Some)
            });
            if let Some(output) = step.await {
                return output;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::run_virtual;
    use std::sync::Arc;

    #[test]
    fn death_cuts_work_in_progress_and_a_start_lets_new_work_in() {
        run_virtual(|clock| async move {
            let process = Arc::new(Process::default());
            let killer = process.clone();
            let timer = clock.clone();
            tokio::spawn(async move {
                timer.sleep_us(10).await;
                assert!(killer.kill());
                assert!(!killer.kill(), "a dead process cannot die again");
            });
            assert_eq!(process.or_death(clock.sleep_us(20)).await, None);
            assert_eq!(
                (clock.now_us(), process.is_up(), process.deaths()),
                (10, false, 1)
            );
            process.start(clock.now_us());
            assert_eq!(process.or_death(clock.sleep_us(20)).await, Some(()));
            assert_eq!((process.is_up(), process.started_us()), (true, 10));
        });
    }

    #[test]
    fn whoever_waits_for_a_start_goes_on_with_it() {
        run_virtual(|clock| async move {
            let process = Arc::new(Process::default());
            process.up().await;
            assert!(process.kill());
            at(&clock, &process, 30, |process| process.start(30));
            process.up().await;
            assert_eq!((clock.now_us(), process.is_up()), (30, true));
        });
    }

    /// Does something to a process at a time, on a task of its own.
    fn at(
        clock: &crate::Clock,
        process: &Arc<Process>,
        at_us: u64,
        act: impl FnOnce(&Process) + Send + 'static,
    ) {
        let (clock, process) = (clock.clone(), process.clone());
        tokio::spawn(async move {
            clock.sleep_until_us(at_us).await;
            act(&process);
        });
    }

    #[test]
    fn work_stands_still_with_its_process_and_time_does_not() {
        run_virtual(|clock| async move {
            let process = Arc::new(Process::default());
            at(&clock, &process, 10, Process::freeze);
            at(&clock, &process, 15, Process::freeze);
            at(&clock, &process, 60, Process::thaw);
            at(&clock, &process, 100, Process::thaw);
            let steps = async {
                let mut times = Vec::new();
                for _ in 0..3 {
                    clock.sleep_us(20).await;
                    times.push(clock.now_us());
                }
                times
            };
            // The first wait ended at 20: the work hears of it when it goes on.
            let times = process.or_death(steps).await;
            assert_eq!(times, Some(vec![100, 120, 140]));
        });
    }

    #[test]
    fn nothing_begins_in_a_process_that_stands_still() {
        run_virtual(|clock| async move {
            let process = Arc::new(Process::default());
            process.freeze();
            assert!(process.is_frozen() && process.is_up());
            at(&clock, &process, 50, Process::thaw);
            let began_us = process.or_death(async { clock.now_us() }).await;
            assert_eq!(began_us, Some(50));
            process.thaw();
            assert!(!process.is_frozen(), "one thaw too many changes nothing");
        });
    }

    #[test]
    fn a_process_that_stands_still_can_be_killed() {
        run_virtual(|clock| async move {
            let process = Arc::new(Process::default());
            process.freeze();
            at(&clock, &process, 30, |process| {
                process.kill();
            });
            assert_eq!(process.or_death(clock.sleep_us(5)).await, None);
            assert_eq!(clock.now_us(), 30);
            process.start(40);
            assert!(!process.is_frozen(), "another process has its name now");
        });
    }

    #[test]
    fn of_several_returns_the_latest_counts() {
        let process = Process::default();
        process.kill();
        process.keep_down_until(30);
        process.keep_down_until(20);
        assert_eq!(process.back_us(), 30);
    }
}
