//! Bandwidth: bytes pass the network slowly.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::{Rng, WireChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Narrows the wire to the target: what a message takes grows with its bytes. Messages do not share
/// the wire; each has the whole rate.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bandwidth {
    /// Rate at which a message's bytes pass, in megabits a second, from 0.000001 to 1,000,000.
    mbps: f64,
}

impl Kind for Bandwidth {
    const INFO: KindInfo = KindInfo {
        name: "bandwidth",
        summary: "bytes to a service and from it pass slowly, so that large messages come late",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["network", "straggler"],
    };

    fn example() -> Self {
        Bandwidth { mbps: 0.05 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("mbps", self.mbps, 0.000_001, 1_000_000.0)
    }
}

impl Fault for Bandwidth {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision {
            wire: Some(WireChange {
                bandwidth_mbps: Some(self.mbps),
                ..WireChange::default()
            }),
            ..Decision::default()
        }
    }
}
