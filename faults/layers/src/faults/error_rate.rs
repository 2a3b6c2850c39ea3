//! Error rate: requests fail where they would have been served.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::sample_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_dist};
use crate::answer_code::{AnswerCode, check_http_status, internal};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Answers each request with an error in place of the service; on an edge, before it is on the wire.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorRate {
    /// What gRPC says; of HTTP, the status follows from it.
    #[serde(default = "internal")]
    code: AnswerCode,
    /// HTTP status in its place, from 400 to 599. gRPC does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    /// Time from the request to the error, in milliseconds.
    #[serde(default = "at_once")]
    after: Dist,
}

fn at_once() -> Dist {
    Dist::fixed(0.0)
}

impl Kind for ErrorRate {
    const INFO: KindInfo = KindInfo {
        name: "error_rate",
        summary: "requests are answered with an error, at once or after some time",
        resource: "answers",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: false,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        ErrorRate {
            code: AnswerCode::Internal,
            http_status: None,
            after: Dist::lognormal(20.0, 0.5),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_http_status(self.http_status)?;
        check_dist("after", &self.after)
    }
}

impl Fault for ErrorRate {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        Decision {
            delay_us: sample_us(&self.after, random),
            ..Decision::refuse(self.code.refusal(self.http_status))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_says_yes_is_no_error() {
        let with_status = |status| ErrorRate {
            http_status: Some(status),
            ..ErrorRate::example()
        };
        let refused = with_status(200).check().expect_err("200 is no error");
        assert_eq!(refused.to_string(), "`http_status` is 200: use 400 to 599");
        assert_eq!(with_status(400).check(), Ok(()));
        assert_eq!(with_status(599).check(), Ok(()));
        with_status(600).check().expect_err("600 is no status");
    }
}
