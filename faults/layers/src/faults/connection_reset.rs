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
        services: &SERVERS,
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

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn a_connection_breaks_after_its_time() {
        let fault = ConnectionReset {
            after: Dist::fixed(5.0),
        };
        let mut random = Streams::new(1).stream("test").rng();
        let decision = fault.decide(&Facts::default(), &mut random);
        assert_eq!(decision.delay_us, 5_000);
        let refusal = decision.refusal.expect("a reset");
        assert_eq!(
            (refusal.code, &*refusal.message),
            (Code::Unavailable, "connection reset")
        );
        let never = ConnectionReset {
            after: Dist::fixed(-1.0),
        };
        let refused = never.check().expect_err("before the call");
        assert_eq!(refused.key.as_deref(), Some("after.fixed.ms"));
    }
}
