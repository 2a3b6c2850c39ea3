//! Stale index: a shard searches old versions of some of its documents.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Lets a shard search old versions of a share of its documents.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaleIndex {
    /// Share of the shard's documents that are an old version, from 0.001 to 1. It is the same
    /// documents for every search.
    stale_share: f64,
}

impl Kind for StaleIndex {
    const INFO: KindInfo = KindInfo {
        name: "stale_index",
        summary: "a shard searches old versions of some documents, and finds the wrong ones",
        resource: "the index",
        services: &[Service::SHARD],
        graph: None,
        edges: false,
        standing: false,
        callers: false,
        causes: &[],
    };

    fn example() -> Self {
        StaleIndex { stale_share: 0.5 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("stale_share", self.stale_share, 0.001, 1.0)
    }
}

impl Fault for StaleIndex {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            stale_share: Some(self.stale_share),
            ..Overrides::default()
        })
    }
}
