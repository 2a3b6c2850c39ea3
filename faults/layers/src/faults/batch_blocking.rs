//! Batch blocking: one long item holds up everybody in its batch.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;
/// Makes an item take far longer than others. Nobody in its batch is done before it, and the batch's
/// server takes no other meanwhile. `probability` says how many items are long.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchBlocking {
    /// Factor on the time of a batch with such an item in it, from 1 to 10,000.
    item_factor: f64,
}

impl Kind for BatchBlocking {
    const INFO: KindInfo = KindInfo {
        name: "batch_blocking",
        summary: "one long item holds up everybody in its batch",
        resource: "batcher",
        services: &[Service::EMBEDDER],
        graph: Some(Needs::Batch),
        edges: false,
        standing: false,
        callers: false,
        causes: &["compute", "queue"],
    };

    fn example() -> Self {
        BatchBlocking { item_factor: 50.0 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("item_factor", self.item_factor, 1.0, 10_000.0)
    }
}

impl Fault for BatchBlocking {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            batch_item_factor: Some(self.item_factor),
            ..Overrides::default()
        })
    }
}
