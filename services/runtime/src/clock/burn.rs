//! Computing for real: a thread that uses a processor for as long as it is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::time::{ClockId, clock_gettime};

/// Rounds of arithmetic between two looks at the clock: about a microsecond's worth.
const ROUNDS: u32 = 500;

/// Uses `duration_us` of processor time on a thread of tokio's blocking pool. A caller that gives up
/// ends it.
pub(super) async fn burn(duration_us: u64) {
    let stop = StopOnDrop(Arc::default());
    let stopped = stop.0.clone();
    let work = tokio::task::spawn_blocking(move || {
        let end_us = thread_cpu_us() + duration_us;
        let mut seed = duration_us;
        while thread_cpu_us() < end_us && !stopped.load(Ordering::Relaxed) {
            for _ in 0..ROUNDS {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            }
            std::hint::black_box(seed);
        }
    });
    if let Err(error) = work.await
        && let Ok(panic) = error.try_into_panic()
    {
        std::panic::resume_unwind(panic);
    }
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Processor time that this thread has used.
fn thread_cpu_us() -> u64 {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanoseconds) = (used.tv_sec.cast_unsigned(), used.tv_nsec.cast_unsigned());
    seconds * 1_000_000 + nanoseconds / 1000
}
