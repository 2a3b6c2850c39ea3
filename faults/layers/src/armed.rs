//! A fault ready to act.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ragdoll_fault_spec::{Catalog as _, ParamError};
use ragdoll_runtime::Stream;
use tokio::sync::Notify;

use crate::action::{Action, healed_us};
use crate::catalog::Faults;
use crate::decision::Fault;
use crate::planned::Planned;
use crate::timing::Timing;
use crate::witness::Witness;

/// A fault ready to act.
pub(crate) struct Armed {
    pub(crate) planned: Planned,
    pub(crate) timing: Timing,
    pub(crate) fault: Box<dyn Fault>,
    pub(crate) random: Stream,
    pub(crate) witness: Witness,
    /// Whether it changes its target as a whole, so that every request that comes there meets it.
    pub(crate) stands: bool,
    /// Whether requests to its target meet it on their callers' side.
    pub(crate) at_callers: bool,
    pub(crate) stopped: Stopped,
}

impl Armed {
    pub(crate) fn new(planned: Planned, random: Stream) -> Result<Arc<Self>, ParamError> {
        let fault = Faults.build(&planned.spec.kind, &planned.spec.params)?;
        let at_callers = Faults
            .kind(&planned.spec.kind)
            .is_some_and(|kind| kind.callers);
        let probability = planned.spec.probability;
        let stands = probability > 0.0 && fault.standing(probability).is_some();
        Ok(Arc::new(Armed {
            timing: Timing::new(&planned, fault.pulse()),
            fault,
            random,
            witness: Witness::default(),
            stands,
            at_callers,
            stopped: Stopped::default(),
            planned,
        }))
    }

    pub(crate) fn in_force(&self, now_us: u64) -> bool {
        self.timing.in_force(now_us) && !self.stopped.is_set()
    }

    /// Waits until the fault is taken back before its time; for ever where it never is.
    pub(crate) async fn stopped(&self) {
        self.stopped.wait().await;
    }

    /// When what began at `start_us` is taken back, in microseconds of the run.
    pub(crate) fn healed_us(&self, start_us: u64, stop_us: u64) -> u64 {
        let action = self.action();
        action.map_or(stop_us, |action| healed_us(action, start_us, stop_us))
    }

    /// Whether the process stands still by itself, which its telemetry shows.
    pub(crate) fn is_pause(&self) -> bool {
        self.action() == Some(Action::Pause)
    }

    /// Whether what changes for as long as the fault lasts is all that it does, so that nobody else
    /// counts it.
    pub(crate) fn counts_standing(&self) -> bool {
        !self.fault.meets_requests() && self.action().is_none()
    }

    /// What is done to the target as a whole, where that is ever done.
    pub(crate) fn action(&self) -> Option<Action> {
        let action = self.fault.action();
        action.filter(|_| self.planned.spec.probability > 0.0)
    }
}

/// Whether a fault was taken back before its time.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    flag: AtomicBool,
    told: Notify,
}

impl Stopped {
    pub(crate) fn is_set(&self) -> bool {
        self.flag.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self) {
        self.flag.store(true, Ordering::Release);
        self.told.notify_waiters();
    }

    async fn wait(&self) {
        let told = self.told.notified();
        if !self.is_set() {
            told.await;
        }
    }
}
