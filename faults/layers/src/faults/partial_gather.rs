//! Partial gather: the coordinator does not know of one of its partitions.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes the coordinator leave one partition out, as with a routing table that is out of date.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartialGather {
    /// The partition that is never asked, from 0; one that the topology does not have changes
    /// nothing.
    partition: u32,
}

impl Kind for PartialGather {
    const INFO: KindInfo = KindInfo {
        name: "partial_gather",
        summary: "the coordinator does not know of one partition, and never asks it",
        resource: "call plan",
        services: &[Service::VECTOR_DB],
        graph: None,
        edges: false,
        standing: false,
        callers: false,
        causes: &[],
    };

    fn example() -> Self {
        PartialGather { partition: 0 }
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for PartialGather {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            unknown_partition: Some(self.partition),
            ..Overrides::default()
        })
    }
}
