//! Tasks that put a fault in force on one instance of this process, and take it back.

use std::sync::Arc;

use ragdoll_runtime::{Clock, Controls, Overrides};
use tokio::task::AbortHandle;

use crate::action::Power;
use crate::injector::Armed;

/// Keeps a change of the instance's resources in force for as long as the fault lasts.
pub(crate) fn standing(
    clock: &Clock,
    controls: &Controls,
    armed: &Armed,
    overrides: Overrides,
) -> AbortHandle {
    let (start_us, stop_us) = (armed.planned.start_us, armed.planned.stop_us);
    let (clock, controls) = (clock.clone(), controls.clone());
    let task = tokio::spawn(async move {
        clock.sleep_until_us(start_us).await;
        if clock.now_us() < stop_us {
            let _in_force = InForce {
                handle: controls.apply(overrides),
                controls,
            };
            clock.sleep_until_us(stop_us).await;
        }
    });
    task.abort_handle()
}

/// A change that is taken back when this is dropped, even if its task is aborted.
struct InForce {
    controls: Controls,
    handle: u64,
}

impl Drop for InForce {
    fn drop(&mut self) {
        self.controls.revert(self.handle);
    }
}

/// Kills the process when the fault starts; it comes back at `healed_us`.
pub(crate) fn crash<P: Power>(
    clock: &Clock,
    power: &Arc<P>,
    armed: &Arc<Armed>,
    healed_us: u64,
) -> AbortHandle {
    let (clock, power, armed) = (clock.clone(), power.clone(), armed.clone());
    let task = tokio::spawn(async move {
        clock.sleep_until_us(armed.planned.start_us).await;
        let now_us = clock.now_us();
        if now_us < healed_us {
            armed.witness.action();
            power.crash(healed_us - now_us);
        }
    });
    task.abort_handle()
}

/// Lets the process stand still for as long as the fault lasts.
pub(crate) fn hang<P: Power>(clock: &Clock, power: &Arc<P>, armed: &Arc<Armed>) -> AbortHandle {
    let (clock, power, armed) = (clock.clone(), power.clone(), armed.clone());
    let task = tokio::spawn(async move {
        clock.sleep_until_us(armed.planned.start_us).await;
        if clock.now_us() < armed.planned.stop_us {
            armed.witness.action();
            let _frozen = Frozen::new(&*power);
            clock.sleep_until_us(armed.planned.stop_us).await;
        }
    });
    task.abort_handle()
}

/// A process that stands still until this is dropped, even if its task is aborted.
struct Frozen<'a, P: Power>(&'a P);

impl<'a, P: Power> Frozen<'a, P> {
    fn new(power: &'a P) -> Self {
        power.freeze();
        Frozen(power)
    }
}

impl<P: Power> Drop for Frozen<'_, P> {
    fn drop(&mut self) {
        self.0.thaw();
    }
}
