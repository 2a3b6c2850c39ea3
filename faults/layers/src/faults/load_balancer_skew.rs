//! Load balancer skew: one instance gets more than its share.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Fault, Kind};

/// Makes a caller send a share of its calls to the first instance of each service that it calls,
/// whatever the balance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadBalancerSkew {
    /// Share of the calls that go to the first instance, above 0 and up to 1; the others are
    /// balanced as before.
    skew: f64,
}

impl Kind for LoadBalancerSkew {
    const INFO: KindInfo = KindInfo {
        name: "load_balancer_skew",
        summary: "a caller sends more than its share to one instance of each service that it calls",
        resource: "the balance between instances",
        services: &[Service::Gateway, Service::VectorDb],
        edges: false,
        standing: true,
        callers: false,
        causes: &["queue", "connection_pool", "straggler"],
    };

    fn example() -> Self {
        LoadBalancerSkew { skew: 0.6 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("skew", self.skew, 0.001, 1.0)
    }
}

impl Fault for LoadBalancerSkew {
    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            balance_skew: Some(self.skew),
            ..Overrides::default()
        })
    }
}
