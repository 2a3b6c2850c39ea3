//! DNS failure: callers cannot find out the address of a service.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::random::ms_to_us;
use ragdoll_runtime::{Refusal, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tonic::Code;

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Lets callers wait for the resolver in vain. The call fails with UNAVAILABLE (HTTP 503) and never
/// leaves its caller.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DnsFailure {
    /// Time until the resolver gives up, in milliseconds, from 0 to 3,600,000.
    #[serde(default = "resolver_timeout")]
    timeout_ms: f64,
}

/// glibc asks for 5 s (`RES_TIMEOUT`; resolv.conf(5), `timeout:`).
fn resolver_timeout() -> f64 {
    5_000.0
}

impl Kind for DnsFailure {
    const INFO: KindInfo = KindInfo {
        name: "dns_failure",
        summary: "callers wait for the address of a service, and do not get it",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["errors", "retries", "network"],
    };

    fn example() -> Self {
        DnsFailure {
            timeout_ms: resolver_timeout(),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("timeout_ms", self.timeout_ms, 0.0, 3_600_000.0)
    }
}

impl Fault for DnsFailure {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        let message = "dns error: failed to lookup address information";
        Decision {
            delay_us: ms_to_us(self.timeout_ms),
            ..Decision::refuse(Refusal::new(Code::Unavailable, message))
        }
    }
}
