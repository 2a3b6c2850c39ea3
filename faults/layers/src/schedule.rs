//! Tasks that put a fault in force on one instance of this process, and take it back.

use std::sync::Arc;

use ragdoll_runtime::{Clock, Controls, Overrides};
use tokio::task::AbortHandle;

use crate::action::Power;
use crate::armed::Armed;

/// Keeps a change of the instance's resources in force while the fault is.
pub(crate) fn standing(
    clock: &Clock,
    controls: &Controls,
    armed: &Arc<Armed>,
    overrides: Overrides,
) -> AbortHandle {
    let (clock, controls, armed) = (clock.clone(), controls.clone(), armed.clone());
    let task = tokio::spawn(async move {
        while let Some((start_us, stop_us)) = armed.timing.next(clock.now_us()) {
            clock.sleep_until_us(start_us).await;
            let _in_force = InForce {
                handle: controls.apply(overrides.clone()),
                controls: &controls,
            };
            if armed.counts_standing() {
                armed.witness.action();
            }
            clock.sleep_until_us(stop_us).await;
        }
    });
    task.abort_handle()
}

/// A change that is taken back when this is dropped, even if its task is aborted.
struct InForce<'a> {
    controls: &'a Controls,
    handle: u64,
}

impl Drop for InForce<'_> {
    fn drop(&mut self) {
        self.controls.revert(self.handle);
    }
}

/// Kills the process each time the fault starts; it comes back as [`Armed::healed_us`] says.
pub(crate) fn crash(clock: &Clock, power: &Arc<dyn Power>, armed: &Arc<Armed>) -> AbortHandle {
    let (clock, power, armed) = (clock.clone(), power.clone(), armed.clone());
    let task = tokio::spawn(async move {
        while let Some((start_us, stop_us)) = armed.timing.next(clock.now_us()) {
            clock.sleep_until_us(start_us).await;
            let now_us = clock.now_us();
            let healed_us = armed.healed_us(start_us, stop_us);
            if now_us < healed_us {
                armed.witness.action();
                power.crash(healed_us - now_us);
            }
            clock.sleep_until_us(stop_us).await;
        }
    });
    task.abort_handle()
}

/// Lets the process stand still while the fault is in force.
pub(crate) fn hang(clock: &Clock, power: &Arc<dyn Power>, armed: &Arc<Armed>) -> AbortHandle {
    let (clock, power, armed) = (clock.clone(), power.clone(), armed.clone());
    let task = tokio::spawn(async move {
        while let Some((start_us, stop_us)) = armed.timing.next(clock.now_us()) {
            clock.sleep_until_us(start_us).await;
            armed.witness.action();
            let frozen_us = clock.now_us();
            {
                let _frozen = Frozen::new(&*power);
                clock.sleep_until_us(stop_us).await;
            }
            if armed.is_pause() {
                let paused_us = clock.now_us().saturating_sub(frozen_us);
                armed.witness.add_time(paused_us);
                power.paused(paused_us);
            }
        }
    });
    task.abort_handle()
}

/// A process that stands still until this is dropped, even if its task is aborted.
struct Frozen<'a>(&'a dyn Power);

impl<'a> Frozen<'a> {
    fn new(power: &'a dyn Power) -> Self {
        power.freeze();
        Frozen(power)
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.thaw();
    }
}
