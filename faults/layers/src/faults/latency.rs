//! Latency: requests to a service, or on an edge, take longer.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::sample_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_dist};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Holds each request up before the service works on it; on an edge, before it is on the wire.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Latency {
    /// Time added to each request.
    delay: Dist,
}

impl Kind for Latency {
    const INFO: KindInfo = KindInfo {
        name: "latency",
        summary: "requests to a service, or from one service to another, take longer",
        resource: "network, or the service's own work",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: false,
        causes: &["compute", "straggler", "network"],
    };

    fn example() -> Self {
        Latency {
            delay: Dist::lognormal(40.0, 0.5),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_dist("delay", &self.delay)
    }
}

impl Fault for Latency {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        Decision::delay(sample_us(&self.delay, random))
    }
}
