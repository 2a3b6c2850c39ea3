//! Load spike: more requests come, or fewer.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Fault, Kind, LoadChange};

/// Changes how many requests the load generator sends.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadSpike {
    /// Factor on the rate of arrivals; of a closed loop, on the number of users. From 0.01 to 100.
    rate_factor: f64,
    /// Seconds over which the load goes from its own rate to the changed one, each time that the
    /// fault starts. From 0 to 3600.
    #[serde(default)]
    ramp_s: f64,
}

impl Kind for LoadSpike {
    const INFO: KindInfo = KindInfo {
        name: "load_spike",
        summary: "more requests come than before, at once or over a while",
        resource: "the load",
        services: &[Service::CLIENT],
        graph: Some(Needs::Client),
        edges: false,
        standing: true,
        callers: false,
        causes: &["queue", "kv_cache", "compute", "errors"],
    };

    fn example() -> Self {
        LoadSpike {
            rate_factor: 3.0,
            ramp_s: 5.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("rate_factor", self.rate_factor, 0.01, 100.0)?;
        check_within("ramp_s", self.ramp_s, 0.0, 3600.0)
    }
}

impl Fault for LoadSpike {
    fn meets_requests(&self) -> bool {
        false
    }

    fn load(&self) -> Option<LoadChange> {
        Some(LoadChange {
            rate_factor: self.rate_factor,
            ramp_s: self.ramp_s,
            ..LoadChange::default()
        })
    }
}
