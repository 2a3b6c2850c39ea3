//! KV-cache thrashing: the cache is too small for the running batch.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::decision::{Fault, Kind};

/// Leaves the inference engine only so many blocks for keys and values. Sequences that grow take them
/// from those that were admitted last, which are computed again later, and again.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KvCacheThrashing {
    /// Blocks of each instance, at least 1.
    blocks: u32,
}

impl Kind for KvCacheThrashing {
    const INFO: KindInfo = KindInfo {
        name: "kv_cache_thrashing",
        summary: "the inference engine has too few KV-cache blocks, and computes sequences again and again",
        resource: "inference engine",
        services: &[Service::LLM],
        graph: Some(Needs::Engine),
        edges: false,
        standing: true,
        callers: false,
        causes: &["kv_cache", "queue"],
    };

    fn example() -> Self {
        KvCacheThrashing { blocks: 500 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_at_least("blocks", f64::from(self.blocks), 1.0)
    }
}

impl Fault for KvCacheThrashing {
    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            kv_blocks: Some(self.blocks),
            ..Overrides::default()
        })
    }
}
