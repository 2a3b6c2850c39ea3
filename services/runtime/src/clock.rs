//! The clock, virtual or real, behind one type.
//!
//! Virtual time stands still while anything can run. When nothing can, the runtime is about to park
//! its thread, and calls a hook of ours first: it jumps to the next timer and wakes whoever waits
//! for it. Timers are exact to the microsecond and fire in the order of their times, then of their
//! arming. tokio's own paused clock does the same in milliseconds; scaled up to microseconds, a
//! timer passes several levels of its wheel, and each level parks the thread once more.
//!
//! Real time has the same timers, which a thread of its own wakes.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads clocks and arms timers"
)]

mod burn;
mod real_time;
mod timers;
mod virtual_time;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use self::burn::burn;
use self::real_time::{RealTime, unix_now_us};
use self::timers::TimeSource as _;
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
    Real { time: Arc<RealTime>, burns: bool },
}

/// The time limit passed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl Clock {
    /// A clock that follows the system's, of a run that begins now.
    pub fn new_real() -> Self {
        Clock::real_since(unix_now_us())
    }

    /// A clock that follows the system's, of a run that began, or will begin, at `epoch_unix_us`
    /// microseconds of Unix time. It shows 0 until then.
    pub fn real_since(epoch_unix_us: u64) -> Self {
        Clock {
            origin_unix_us: epoch_unix_us,
            source: Source::Real {
                time: Arc::new(RealTime::since(epoch_unix_us)),
                burns: false,
            },
        }
    }

    /// The same clock, on which [`Clock::work_us`] keeps a processor busy. Virtual time has no
    /// processors, and its clock stays as it is.
    #[must_use]
    pub fn burning(mut self) -> Self {
        if let Source::Real { burns, .. } = &mut self.source {
            *burns = true;
        }
        self
    }

    /// Whether time jumps from one event to the next, so that no timer fires late and what waits for
    /// nothing takes none.
    pub fn is_virtual(&self) -> bool {
        matches!(self.source, Source::Virtual(_))
    }

    /// Microseconds since the start of the run.
    pub fn now_us(&self) -> u64 {
        match &self.source {
            Source::Virtual(time) => time.now_us(),
            Source::Real { time, .. } => time.now_us(),
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
            Source::Real { time, .. } => time.wait_until(at_us).await,
        }
    }

    /// Computes for `duration_us`: waits for that long, or, on a clock that burns, keeps a processor
    /// busy until its thread has used that much of it. Returns at once for 0.
    pub async fn work_us(&self, duration_us: u64) {
        match &self.source {
            Source::Real { burns: true, .. } if duration_us > 0 => burn(duration_us).await,
            _ => self.sleep_us(duration_us).await,
        }
    }

    /// As [`Clock::work_us`], of work that counts as begun at `start_us` of the run, now or earlier:
    /// waits for what is left of it. A processor is kept busy for all of it.
    pub async fn work_from_us(&self, start_us: u64, duration_us: u64) {
        match &self.source {
            Source::Real { burns: true, .. } if duration_us > 0 => burn(duration_us).await,
            _ => {
                self.sleep_until_us(start_us.saturating_add(duration_us))
                    .await
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

    fn in_real_time<T>(root: impl AsyncFnOnce(Clock) -> T) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().expect("no I/O is asked for");
        runtime.block_on(root(Clock::new_real()))
    }

    #[test]
    fn real_timers_fire_in_order_and_not_before_their_time() {
        let fired = in_real_time(async |clock| {
            let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
            for delay_us in [3_000, 1_000, 2_000] {
                let (clock, sender) = (clock.clone(), sender.clone());
                tokio::spawn(async move {
                    let at_us = clock.now_us() + delay_us;
                    clock.sleep_until_us(at_us).await;
                    let late = clock.now_us().checked_sub(at_us);
                    sender.send((delay_us, late.is_some())).expect("open");
                });
            }
            drop(sender);
            let mut fired = Vec::new();
            while let Some(event) = receiver.recv().await {
                fired.push(event);
            }
            fired
        });
        assert_eq!(fired, [(1_000, true), (2_000, true), (3_000, true)]);
    }

    #[test]
    fn a_run_that_is_yet_to_begin_stands_at_zero_and_its_timers_wait_for_it() {
        in_real_time(async |now| {
            let clock = Clock::real_since(now.unix_us(now.now_us()) + 20_000);
            assert_eq!(clock.now_us(), 0);
            clock.sleep_until_us(1_000).await;
            assert!(now.now_us() >= 21_000, "{} us", now.now_us());
        });
    }

    #[test]
    fn work_burns_a_processor_only_where_it_is_told_to() {
        in_real_time(async |clock| {
            let started_us = clock.now_us();
            clock.clone().burning().work_us(2_000).await;
            assert!(clock.now_us() >= started_us + 2_000);
            let cancelled = clock.clone().burning();
            let cut = cancelled.timeout_us(1_000, cancelled.work_us(600_000_000));
            assert_eq!(cut.await, Err(Elapsed));
        });
    }

    #[test]
    #[should_panic(expected = "nothing can happen any more")]
    fn a_deadlock_is_found_at_once() {
        run_virtual(|_| std::future::pending::<()>());
    }
}
