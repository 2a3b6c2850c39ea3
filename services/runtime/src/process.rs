//! The life of one instance's process: up, killed, up again.

use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// Whether an instance's process runs, and how often it was started.
#[derive(Debug, Default)]
pub struct Process {
    down: AtomicBool,
    deaths: AtomicU64,
    started_us: AtomicU64,
    death: Notify,
}

impl Process {
    /// Whether the process takes requests.
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

    /// Ends the process: every [`Process::or_death`] in progress is cut. False where it was down.
    pub fn kill(&self) -> bool {
        if self.down.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.deaths.fetch_add(1, Ordering::AcqRel);
        self.death.notify_waiters();
        true
    }

    /// Starts a process that was killed; `now_us` is when.
    pub fn start(&self, now_us: u64) {
        self.started_us.store(now_us, Ordering::Release);
        self.down.store(false, Ordering::Release);
    }

    /// Runs `work` until it is done or the process dies, whichever is first.
    pub async fn or_death<F: Future>(&self, work: F) -> Option<F::Output> {
        let death = self.death.notified();
        tokio::select! {
            biased;
            () = death => None,
            output = work => Some(output),
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
}
