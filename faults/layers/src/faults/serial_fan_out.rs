//! Serial fan-out: the coordinator asks its partitions one after the other.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_model::topology::FanOut;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes the coordinator ask the partitions one after the other, and not at once.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SerialFanOut {}

impl Kind for SerialFanOut {
    const INFO: KindInfo = KindInfo {
        name: "serial_fan_out",
        summary: "the coordinator asks its partitions one after the other",
        resource: "call plan",
        services: &[Service::VECTOR_DB],
        graph: Some(Needs::ParallelCalls),
        edges: false,
        standing: false,
        callers: false,
        causes: &["serial_calls"],
    };

    fn example() -> Self {
        SerialFanOut {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for SerialFanOut {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            fan_out: Some(FanOut::Serial),
            ..Overrides::default()
        })
    }
}
