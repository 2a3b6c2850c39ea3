//! Slow close: calls last longer than the answer takes.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::sample_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_dist};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Lets connections end late: the service is done, and its caller waits for the end of the answer,
/// with the connection taken until then.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlowClose {
    /// Time from the answer to its end, in milliseconds.
    linger: Dist,
}

impl Kind for SlowClose {
    const INFO: KindInfo = KindInfo {
        name: "slow_close",
        summary: "answers end late, and keep their connections until then",
        resource: "network, and the pool of connections",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["network", "straggler", "connection_pool"],
    };

    fn example() -> Self {
        SlowClose {
            linger: Dist::lognormal(500.0, 0.3),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_dist("linger", &self.linger)
    }
}

impl Fault for SlowClose {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        Decision {
            answer_delay_us: sample_us(&self.linger, random),
            ..Decision::default()
        }
    }
}
