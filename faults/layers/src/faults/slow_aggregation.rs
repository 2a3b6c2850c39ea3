//! Slow aggregation: merging what the partitions found takes longer.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes the coordinator take longer to merge the partitions' answers.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlowAggregation {
    /// Factor on the time that a merge takes, from 1 to 10,000.
    merge_time_factor: f64,
}

impl Kind for SlowAggregation {
    const INFO: KindInfo = KindInfo {
        name: "slow_aggregation",
        summary: "the coordinator takes longer to merge what the partitions found",
        resource: "call plan",
        services: &[Service::VECTOR_DB],
        graph: None,
        edges: false,
        standing: false,
        callers: false,
        causes: &["fan_in"],
    };

    fn example() -> Self {
        SlowAggregation {
            merge_time_factor: 100.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("merge_time_factor", self.merge_time_factor, 1.0, 10_000.0)
    }
}

impl Fault for SlowAggregation {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            merge_time_factor: Some(self.merge_time_factor),
            ..Overrides::default()
        })
    }
}
