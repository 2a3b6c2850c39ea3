//! The clock, virtual or real, behind one type.
//!
//! Virtual time stands still while anything can run. When nothing can, the runtime is about to park
//! its thread, and calls a hook of ours first: it jumps to the next timer and wakes whoever waits
//! for it. Timers are exact to the microsecond and fire in the order of their times, then of their
//! arming. tokio's own paused clock does the same in milliseconds; scaled up to microseconds, a
//! timer passes several levels of its wheel, and each level parks the thread once more.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads clocks and arms timers"
)]

mod virtual_time;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use self::virtual_time::VirtualTime;

/// 2025-01-01T00:00:00Z: when every virtual run begins, so that its bytes do not depend on the day.
const VIRTUAL_EPOCH_UNIX_US: u64 = 1_735_689_600_000_000;

/// Time since the start of a run, in microseconds, and ways to wait for it to pass.
#[derive(Clone, Debug)]
pub struct Clock {
    origin_unix_us: u64,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Virtual(Arc<VirtualTime>),
    Real { origin: Instant },
}

/// The time limit passed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// A clock that follows the system's.
    pub fn new_real() -> Self {
        let unix = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("the system clock is set to a time after 1970");
        Clock {
            origin_unix_us: u64::try_from(unix.as_micros()).expect("before the year 500,000"),
            source: Source::Real {
                origin: Instant::now(),
            },
        }
    }

    /// Microseconds since the start of the run.
    pub fn now_us(&self) -> u64 {
        match &self.source {
            Source::Virtual(time) => time.now_us(),
            Source::Real { origin } => {
                let elapsed = origin.elapsed();
                elapsed.as_secs() * 1_000_000 + u64::from(elapsed.subsec_micros())
            }
        }
    }

    /// Microseconds of Unix time at `at_us` of the run.
    pub fn unix_us(&self, at_us: u64) -> u64 {
        self.origin_unix_us + at_us
    }

    /// System time at `at_us` of the run.
    pub fn system_time(&self, at_us: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.unix_us(at_us))
    }

    /// Waits for `duration_us`; returns at once for 0.
    pub async fn sleep_us(&self, duration_us: u64) {
        if duration_us > 0 {
            self.sleep_until_us(self.now_us().saturating_add(duration_us))
                .await;
        }
    }

    /// Waits until `at_us` of the run; returns at once where that has passed.
    pub async fn sleep_until_us(&self, at_us: u64) {
        match &self.source {
            Source::Virtual(time) => time.wait_until(at_us).await,
            Source::Real { origin } => {
                tokio::time::sleep_until(*origin + Duration::from_micros(at_us)).await;
            }
        }
    }

    /// Runs `future` for `limit_us` at most; it is dropped when the limit passes first. A future
    /// that is ready at the very moment of the limit wins.
    pub async fn timeout_us<F: Future>(
        &self,
        limit_us: u64,
        future: F,
    ) -> Result<F::Output, Elapsed> {
        tokio::select! {
            biased;
            output = future => Ok(output),
            () = self.sleep_us(limit_us) => Err(Elapsed),
        }
    }
}

/// Runs a future in virtual time on a runtime of its own: a single thread, no I/O, and no timers of
/// tokio's. `root` gets the run's clock, at 0.
///
/// Panics where everything waits and no timer is armed: nothing could ever happen again.
pub fn run_virtual<F, T>(root: impl FnOnce(Clock) -> F) -> T
where
    F: Future<Output = T>,
{
    let time = Arc::new(VirtualTime::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_thread_park({
            let time = time.clone();
            move || time.advance()
        })
        .build()
        .expect("a runtime without I/O needs nothing that could be missing");
    let clock = Clock {
        origin_unix_us: VIRTUAL_EPOCH_UNIX_US,
        source: Source::Virtual(time),
    };
    runtime.block_on(async { root(clock).await })
}

/// Wall time, for the parts of a report that say how fast the simulator is.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts to count.
    pub fn start() -> Self {
        Stopwatch(std::time::Instant::now())
    }

    /// Seconds since the start.
    pub fn elapsed_s(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_hour_passes_at_once_and_to_the_microsecond() {
        let wall = Stopwatch::start();
        let seen = run_virtual(|clock| async move {
            clock.sleep_us(1).await;
            let first = clock.now_us();
            clock.sleep_us(3_600_000_000).await;
            (first, clock.now_us())
        });
        assert_eq!(seen, (1, 3_600_000_001));
        assert!(wall.elapsed_s() < 60.0, "virtual time waited for real time");
    }

    #[test]
    fn timers_fire_in_the_order_of_their_times_then_of_their_arming() {
        let order = run_virtual(|clock| async move {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            for (name, delay_us) in [("c", 30), ("a", 10), ("b", 20), ("b2", 20)] {
                let (clock, sender) = (clock.clone(), sender.clone());
                tokio::spawn(async move {
                    clock.sleep_us(delay_us).await;
                    sender
                        .send((clock.now_us(), name))
                        .expect("the receiver is open");
                });
            }
            drop(sender);
            let mut seen = Vec::new();
            while let Some(event) = receiver.recv().await {
                seen.push(event);
            }
            seen
        });
        assert_eq!(order, [(10, "a"), (20, "b"), (20, "b2"), (30, "c")]);
    }

    #[test]
    fn a_limit_cuts_a_wait_and_an_answer_at_the_limit_counts() {
        run_virtual(|clock| async move {
            assert_eq!(clock.timeout_us(5, clock.sleep_us(6)).await, Err(Elapsed));
            assert_eq!(clock.now_us(), 5);
            assert_eq!(clock.timeout_us(5, clock.sleep_us(5)).await, Ok(()));
        });
    }

    #[test]
    fn a_timer_that_nobody_waits_for_does_not_move_time() {
        run_virtual(|clock| async move {
            let _ = clock.timeout_us(1_000, std::future::ready(())).await;
            let _ = clock.timeout_us(1_000, clock.sleep_us(3)).await;
            clock.sleep_us(2_000).await;
            assert_eq!(clock.now_us(), 2_003);
        });
    }

    #[test]
    #[should_panic(expected = "nothing can happen any more")]
    fn a_deadlock_is_found_at_once() {
        run_virtual(|_| std::future::pending::<()>());
    }
}
