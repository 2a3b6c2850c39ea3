//! Whether the machine let a scenario run. Real time passes while another process has the processor,
//! and a scenario whose steps have their times can then go otherwise than it was written.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ragdoll_runtime::Clock;

use super::MS;

/// How often it is looked whether the scenario gets to run.
const BEAT_US: u64 = 2 * MS;
/// A beat that is so late speaks of a machine that is busy with something else.
const DISTURBANCE_US: u64 = 10 * MS;
/// How often a scenario is played at most where the machine does not let it run.
const MOST_PLAYS: u32 = 8;

/// What is known of one play: nothing, where its time is virtual.
#[derive(Clone, Default)]
pub(crate) struct Calm {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    next_beat_us: AtomicU64,
    latest_us: AtomicU64,
}

impl Calm {
    /// Watches over what the runtime does from now on, until the guard is dropped.
    pub(crate) fn watch(&self, clock: &Clock) -> Watch {
        // The run began before all was set up for it.
        self.note_late(clock.now_us());
        self.expect_beat(clock.now_us());
        let (calm, beating) = (self.clone(), clock.clone());
        tokio::spawn(async move {
            loop {
                beating.sleep_us(BEAT_US).await;
                calm.note_beat(beating.now_us());
            }
        });
        Watch {
            calm: self.clone(),
            clock: clock.clone(),
        }
    }

    fn expect_beat(&self, now_us: u64) {
        let next_us = now_us + BEAT_US;
        self.inner.next_beat_us.store(next_us, Ordering::Release);
    }

    fn note_beat(&self, now_us: u64) {
        let expected_us = self.inner.next_beat_us.load(Ordering::Acquire);
        self.note_late(now_us.saturating_sub(expected_us));
        self.expect_beat(now_us);
    }

    fn note_late(&self, late_us: u64) {
        self.inner.latest_us.fetch_max(late_us, Ordering::AcqRel);
    }

    fn was_disturbed(&self) -> bool {
        self.inner.latest_us.load(Ordering::Acquire) >= DISTURBANCE_US
    }
}

/// Notes at its end whether a beat is missing.
pub(crate) struct Watch {
    calm: Calm,
    clock: Clock,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.calm.note_beat(self.clock.now_us());
    }
}

/// Plays a scenario and judges it. One that fails is played again if the machine was busy with
/// something else meanwhile: a failure that is the scenario's own comes on a calm machine too.
pub(crate) fn calmly(play_and_judge: impl Fn(&Calm)) {
    for _ in 1..MOST_PLAYS {
        let calm = Calm::default();
        let failed = catch_unwind(AssertUnwindSafe(|| play_and_judge(&calm)));
        match failed {
            Ok(()) => return,
            Err(panic) if !calm.was_disturbed() => resume_unwind(panic),
            Err(_) => {}
        }
    }
    play_and_judge(&Calm::default());
}
