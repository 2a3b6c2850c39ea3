//! Poison input: a request with something in it that the service cannot stand.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::ms_to_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::answer_code::{AnswerCode, internal};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Lets the service fail over requests of one sort, which `only` describes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PoisonInput {
    /// What such a request does.
    #[serde(default)]
    effect: Effect,
    /// Of a request that only fails, what gRPC says; of HTTP, the status follows from it.
    #[serde(default = "internal")]
    code: AnswerCode,
    /// Of a request that kills the process, the time until it is back, in milliseconds, from 0.001
    /// to 3,600,000.
    #[serde(default = "restart")]
    down_ms: f64,
}

/// What a request does that the service cannot stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Effect {
    /// It fails.
    #[default]
    Fail,
    /// It kills the process, and all that is in it.
    Kill,
}

fn restart() -> f64 {
    1_000.0
}

impl Kind for PoisonInput {
    const INFO: KindInfo = KindInfo {
        name: "poison_input",
        summary: "requests of one sort fail, or kill the process that takes them",
        resource: "the process",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: false,
        callers: false,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        PoisonInput {
            effect: Effect::Fail,
            code: AnswerCode::Internal,
            down_ms: restart(),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("down_ms", self.down_ms, 0.001, 3_600_000.0)
    }
}

impl Fault for PoisonInput {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        match self.effect {
            Effect::Fail => Decision::refuse(self.code.refusal(None)),
            Effect::Kill => Decision {
                kill_for_us: Some(ms_to_us(self.down_ms)),
                ..Decision::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;
    use tonic::Code;

    use super::*;

    #[test]
    fn a_request_fails_or_kills() {
        let mut random = Streams::new(1).stream("test").rng();
        let mut fault = PoisonInput::example();
        let decision = fault.decide(&Facts::default(), &mut random);
        assert_eq!(decision.refusal.expect("a failure").code, Code::Internal);
        assert_eq!(decision.kill_for_us, None);
        fault.effect = Effect::Kill;
        let decision = fault.decide(&Facts::default(), &mut random);
        assert_eq!(
            (decision.refusal, decision.kill_for_us),
            (None, Some(1_000_000))
        );
        fault.down_ms = 0.0;
        fault
            .check()
            .expect_err("a dead process is down for some time");
    }
}
