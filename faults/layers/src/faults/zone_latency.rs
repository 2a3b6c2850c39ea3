//! Zone latency: calls between zones of the network take longer.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::sample_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_dist;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Holds up each call between zones, and its answer.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ZoneLatency {
    /// Time added to each message, one way: once to a call, and once to its answer.
    added: Dist,
}

impl Kind for ZoneLatency {
    const INFO: KindInfo = KindInfo {
        name: "zone_latency",
        summary: "calls that cross from one zone of the network to another take longer",
        resource: "network",
        services: &[],
        graph: Some(Needs::Zones),
        edges: false,
        standing: false,
        callers: false,
        causes: &["network"],
    };

    fn example() -> Self {
        ZoneLatency {
            added: Dist::lognormal(20.0, 0.2),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_dist("added", &self.added)
    }
}

impl Fault for ZoneLatency {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        Decision {
            delay_us: sample_us(&self.added, random),
            answer_delay_us: sample_us(&self.added, random),
            ..Decision::default()
        }
    }
}
