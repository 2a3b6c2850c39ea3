//! Connection reset: the connection that a request is sent over breaks.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::random::sample_us;
use ragdoll_runtime::{Refusal, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tonic::Code;

use super::{SERVERS, check_dist};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Breaks the connection of a call before the request comes to the service. The caller sees a reset
/// (UNAVAILABLE, HTTP 503).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConnectionReset {
    /// Time from the call to the reset, in milliseconds.
    #[serde(default = "at_once")]
    after: Dist,
}

fn at_once() -> Dist {
    Dist::fixed(0.0)
}

impl Kind for ConnectionReset {
    const INFO: KindInfo = KindInfo {
        name: "connection_reset",
        summary: "connections to a service break, at once or after some time",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["errors", "retries", "network"],
    };

    fn example() -> Self {
        ConnectionReset {
            after: Dist::lognormal(200.0, 0.5),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_dist("after", &self.after)
    }
}

impl Fault for ConnectionReset {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        Decision {
            delay_us: sample_us(&self.after, random),
            ..Decision::refuse(Refusal::new(Code::Unavailable, "connection reset"))
        }
    }
}
