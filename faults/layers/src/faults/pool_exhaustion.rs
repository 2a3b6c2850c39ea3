//! Pool exhaustion: connections are taken and not given back.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::decision::{Fault, Kind};

/// Leaves only so many connections in the pool that the target keeps to the metadata store: the others
/// were taken and never given back, and count as in use.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoolExhaustion {
    /// Connections of the pool that can still be had, at least 1.
    connections_left: u32,
}

impl Kind for PoolExhaustion {
    const INFO: KindInfo = KindInfo {
        name: "pool_exhaustion",
        summary: "connections of a pool are taken and never given back, so that requests wait for the rest",
        resource: "connection pool",
        services: &[Service::GATEWAY],
        graph: Some(Needs::Pool),
        edges: false,
        standing: true,
        callers: false,
        causes: &["connection_pool"],
    };

    fn example() -> Self {
        PoolExhaustion {
            connections_left: 1,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_at_least("connections_left", f64::from(self.connections_left), 1.0)
    }
}

impl Fault for PoolExhaustion {
    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            pool_size: Some(self.connections_left),
            ..Overrides::default()
        })
    }
}
