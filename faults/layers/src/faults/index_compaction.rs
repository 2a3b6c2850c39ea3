//! Index compaction: maintenance takes the index for itself.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{check_pulse, pulse_ms};
use crate::decision::{Fault, Kind};
use crate::pulse::Pulse;
/// Lets maintenance of the index, such as a merge of segments, take the shard's write lock again and again.
/// It waits for the searches before it; those after it wait for maintenance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IndexCompaction {
    /// How long maintenance has the lock each time, in milliseconds, at least 0.001.
    hold_ms: f64,
    /// Time from one start to the next, in milliseconds, more than `hold_ms`.
    every_ms: f64,
}

impl Kind for IndexCompaction {
    const INFO: KindInfo = KindInfo {
        name: "index_compaction",
        summary: "maintenance of the index takes the shard's write lock again and again, and searches wait",
        resource: "lock",
        services: &[Service::SHARD],
        graph: None,
        edges: false,
        standing: true,
        callers: false,
        causes: &["lock"],
    };

    fn example() -> Self {
        IndexCompaction {
            hold_ms: 1500.0,
            every_ms: 5000.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_pulse(("hold_ms", self.hold_ms), ("every_ms", self.every_ms))
    }
}

impl Fault for IndexCompaction {
    /// It befalls the process: a request need not come while it lasts.
    fn meets_requests(&self) -> bool {
        false
    }

    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            index_locked: Some(true),
            ..Overrides::default()
        })
    }

    fn pulse(&self) -> Option<Pulse> {
        Some(pulse_ms(self.hold_ms, self.every_ms))
    }
}
