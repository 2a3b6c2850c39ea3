//! Fail first: the first requests fail, and those after them do not.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::answer_code::{AnswerCode, check_http_status};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Answers the first requests that meet the fault with an error: of a service, the first at each
/// instance; on an edge, the first of each pair of instances.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailFirst {
    /// How many fail, from 1 to 1,000,000.
    requests: u32,
    /// What gRPC says; of HTTP, the status follows from it.
    #[serde(default = "unavailable")]
    code: AnswerCode,
    /// HTTP status in its place, from 400 to 599. gRPC does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
}

/// What a service says that is not yet ready.
fn unavailable() -> AnswerCode {
    AnswerCode::Unavailable
}

impl Kind for FailFirst {
    const INFO: KindInfo = KindInfo {
        name: "fail_first",
        summary: "the first requests are answered with an error, and later ones are served",
        resource: "answers",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: false,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        FailFirst {
            requests: 50,
            code: AnswerCode::Unavailable,
            http_status: None,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("requests", f64::from(self.requests), 1.0, 1_000_000.0)?;
        check_http_status(self.http_status)
    }
}

impl Fault for FailFirst {
    fn decide(&self, facts: &Facts<'_>, _: &mut Rng) -> Decision {
        if facts.number >= u64::from(self.requests) {
            return Decision::default();
        }
        Decision::refuse(self.code.refusal(self.http_status))
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn the_last_of_the_first_fails_and_the_next_does_not() {
        let fault = FailFirst {
            requests: 3,
            ..FailFirst::example()
        };
        let refused = |number| {
            let facts = Facts {
                number,
                ..Facts::default()
            };
            let mut random = Streams::new(1).stream("test").rng();
            fault.decide(&facts, &mut random).refusal.is_some()
        };
        assert_eq!(
            [0, 1, 2, 3, 4].map(refused),
            [true, true, true, false, false]
        );
    }
}
