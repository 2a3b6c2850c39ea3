//! Long-held lock: work that serves nobody holds the lock.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{check_pulse, pulse_ms};
use crate::decision::{Fault, Kind};
use crate::pulse::Pulse;
/// Lets work of the store's own, such as a schema change or a forgotten transaction, take the lock again
/// and again. Who has the lock keeps it; everybody else waits until that work is done.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LongHeldLock {
    /// How long it holds the lock each time, in milliseconds, at least 0.001.
    hold_ms: f64,
    /// Time from one start to the next, in milliseconds, more than `hold_ms`.
    every_ms: f64,
}

impl Kind for LongHeldLock {
    const INFO: KindInfo = KindInfo {
        name: "long_held_lock",
        summary: "something in the background holds the lock for long, again and again, and all others wait",
        resource: "lock",
        services: &[Service::METADATA],
        graph: Some(Needs::Lock),
        edges: false,
        standing: true,
        callers: false,
        causes: &["lock"],
    };

    fn example() -> Self {
        LongHeldLock {
            hold_ms: 1500.0,
            every_ms: 5000.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_pulse(("hold_ms", self.hold_ms), ("every_ms", self.every_ms))
    }
}

impl Fault for LongHeldLock {
    /// It befalls the process: a request need not come while it lasts.
    fn meets_requests(&self) -> bool {
        false
    }

    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            lock_seized: Some(true),
            ..Overrides::default()
        })
    }

    fn pulse(&self) -> Option<Pulse> {
        Some(pulse_ms(self.hold_ms, self.every_ms))
    }
}
