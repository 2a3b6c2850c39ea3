//! Rate limit: an instance serves so many requests a second, and refuses the others.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::{Refusal, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tonic::Code;

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Refuses what comes to an instance beyond a quota in each second of the run; on an edge, what one
/// instance sends to another.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RateLimit {
    /// Requests that an instance takes in each second, from 1 to 1,000,000.
    per_s: u32,
    /// How long callers are asked to wait before they try again, in milliseconds, from 0 to
    /// 3,600,000; HTTP's header has whole seconds.
    #[serde(default = "next_second")]
    retry_after_ms: u32,
}

fn next_second() -> u32 {
    1_000
}

impl Kind for RateLimit {
    const INFO: KindInfo = KindInfo {
        name: "rate_limit",
        summary: "an instance refuses what comes beyond so many requests a second",
        resource: "a quota of requests",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: false,
        causes: &["rate_limit", "errors", "retries"],
    };

    fn example() -> Self {
        RateLimit {
            per_s: 8,
            retry_after_ms: next_second(),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("per_s", f64::from(self.per_s), 1.0, 1_000_000.0)?;
        check_within(
            "retry_after_ms",
            f64::from(self.retry_after_ms),
            0.0,
            3_600_000.0,
        )
    }
}

impl Fault for RateLimit {
    fn decide(&self, facts: &Facts<'_>, _: &mut Rng) -> Decision {
        if facts.in_second < u64::from(self.per_s) {
            return Decision::default();
        }
        Decision::refuse(Refusal {
            retry_after_ms: Some(self.retry_after_ms.into()),
            ..Refusal::new(Code::ResourceExhausted, "too many requests")
        })
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn what_fits_into_the_second_passes_and_the_rest_is_told_when_to_come_again() {
        let fault = RateLimit {
            per_s: 2,
            retry_after_ms: 700,
        };
        let waits = |in_second| {
            let facts = Facts {
                number: 1_000,
                in_second,
                ..Facts::default()
            };
            let mut random = Streams::new(1).stream("test").rng();
            let refusal = fault.decide(&facts, &mut random).refusal;
            refusal.map(|refusal| (refusal.code, refusal.retry_after_ms))
        };
        let refused = Some((Code::ResourceExhausted, Some(700)));
        assert_eq!([0, 1, 2, 3].map(waits), [None, None, refused, refused]);
    }
}
