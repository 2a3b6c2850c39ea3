//! Real time, with timers of our own: tokio's have a resolution of a millisecond and fire up to one
//! late, which an engine of 20 ms a token would gather into five per cent. A thread that waits for
//! the first timer wakes within about a tenth of that.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the system's clocks"
)]

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::timers::{TimeSource, Timers, Wait};

/// Longest sleep of the timers' thread, after which it looks whether it is still needed.
const LONGEST_SLEEP: Duration = Duration::from_millis(200);

/// The time of one run, as the system's monotonic clock counts it.
#[derive(Debug)]
pub(super) struct RealTime {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    origin: Instant,
    /// Time of the run at `origin`; negative where the run is yet to begin.
    origin_us: i64,
    timers: Mutex<Timers>,
    armed_first: Condvar,
}

/// Microseconds of Unix time now.
pub(super) fn unix_now_us() -> u64 {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the system clock is set to a time after 1970");
    u64::try_from(unix.as_micros()).expect("before the year 500,000")
}

impl RealTime {
    /// The time of a run that began, or begins, at `epoch_unix_us`.
    pub(super) fn since(epoch_unix_us: u64) -> Self {
        let shared = Arc::new(Shared {
            origin: Instant::now(),
            origin_us: unix_now_us().cast_signed() - epoch_unix_us.cast_signed(),
            timers: Mutex::default(),
            armed_first: Condvar::new(),
        });
        let weak = Arc::downgrade(&shared);
        std::thread::Builder::new()
            .name("timers".to_owned())
            .spawn(move || fire_timers(&weak))
            .expect("a process can start a thread");
        RealTime { shared }
    }

    pub(super) fn wait_until(&self, at_us: u64) -> Wait<'_, Self> {
        Wait::new(self, at_us)
    }
}

impl TimeSource for RealTime {
    fn now_us(&self) -> u64 {
        self.shared.now_us()
    }

    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.shared.timers()
    }

    fn armed_first(&self) {
        self.shared.armed_first.notify_one();
    }
}

impl Shared {
    /// 0 until the run begins.
    fn now_us(&self) -> u64 {
        let elapsed_us = i64::try_from(self.origin.elapsed().as_micros()).unwrap_or(i64::MAX);
        u64::try_from(self.origin_us.saturating_add(elapsed_us)).unwrap_or(0)
    }

    /// How long until the run's clock shows `at_us`, counted from its own, possibly negative, now.
    fn until(&self, at_us: u64) -> Duration {
        let elapsed = self.origin.elapsed().as_micros();
        let target = i128::from(at_us) - i128::from(self.origin_us);
        let left = target - i128::try_from(elapsed).unwrap_or(i128::MAX);
        Duration::from_micros(u64::try_from(left.max(0)).unwrap_or(u64::MAX))
    }

    fn timers(&self) -> MutexGuard<'_, Timers> {
        self.timers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes whoever waits for a moment that has come, or sleeps until the next or an earlier one.
    fn turn(&self, due: &mut Vec<std::task::Waker>) {
        let mut timers = self.timers();
        let sleep = match timers.next_us() {
            Some(at_us) => self.until(at_us).min(LONGEST_SLEEP),
            None => LONGEST_SLEEP,
        };
        if sleep.is_zero() {
            timers.fire(self.now_us(), due);
            drop(timers);
            // Outside the lock: waking may run code that arms timers.
            for waker in due.drain(..) {
                waker.wake();
            }
            return;
        }
        // A wake-up for no reason costs one turn.
        let _woken = self.armed_first.wait_timeout(timers, sleep);
    }
}

/// Runs until the clock is gone.
fn fire_timers(shared: &Weak<Shared>) {
    let mut due = Vec::new();
    while let Some(shared) = shared.upgrade() {
        shared.turn(&mut due);
    }
}
