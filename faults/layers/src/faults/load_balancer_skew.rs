//! Load balancer skew: one instance gets more than its share.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::random::chance;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes a caller send the calls of a share of its requests to the first instance of each service
/// that it calls, whatever the balance.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LoadBalancerSkew {
    /// Share of the requests whose calls go to the first instance, from 0.001 to 1; those of the
    /// others are balanced as before.
    skew: f64,
}

impl Kind for LoadBalancerSkew {
    const INFO: KindInfo = KindInfo {
        name: "load_balancer_skew",
        summary: "a caller sends more than its share to one instance of each service that it calls",
        resource: "the balance between instances",
        services: &[Service::GATEWAY, Service::VECTOR_DB],
        graph: Some(Needs::Replicas),
        edges: false,
        standing: false,
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
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        if !chance(self.skew, random) {
            return Decision::default();
        }
        Decision::overrides(Overrides {
            balance_skew: Some(true),
            ..Overrides::default()
        })
    }
}
