//! Bad replica: one instance is slow, and fails more often than its siblings.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::{chance, sample_us};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_dist, check_within};
use crate::answer_code::{AnswerCode, internal};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes an instance slow, and lets it fail a share of what it gets, as one with a dying disk or a
/// broken build.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BadReplica {
    /// Time added to each request, in milliseconds, those that fail among them.
    delay: Dist,
    /// Share of the requests that fail, from 0.001 to 1.
    failing_share: f64,
    /// What gRPC says of them; of HTTP, the status follows from it.
    #[serde(default = "internal")]
    code: AnswerCode,
}

impl Kind for BadReplica {
    const INFO: KindInfo = KindInfo {
        name: "bad_replica",
        summary: "an instance is slow, and a share of its requests fails",
        resource: "the service's own work, and answers",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: false,
        callers: false,
        causes: &["errors", "retries", "compute", "straggler"],
    };

    fn example() -> Self {
        BadReplica {
            delay: Dist::lognormal(300.0, 0.3),
            failing_share: 0.3,
            code: AnswerCode::Internal,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_dist("delay", &self.delay)?;
        check_within("failing_share", self.failing_share, 0.001, 1.0)
    }
}

impl Fault for BadReplica {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        let delay_us = sample_us(&self.delay, random);
        let fails = chance(self.failing_share, random);
        Decision {
            delay_us,
            refusal: fails.then(|| self.code.refusal(None)),
            ..Decision::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn all_are_late_and_some_fail() {
        let fault = BadReplica {
            delay: Dist::fixed(9.0),
            failing_share: 0.25,
            code: AnswerCode::Unavailable,
        };
        let stream = Streams::new(1).stream("test");
        let decisions: Vec<Decision> = (0..10_000)
            .map(|number| fault.decide(&Facts::default(), &mut stream.at(number)))
            .collect();
        assert!(decisions.iter().all(|decision| decision.delay_us == 9_000));
        let failing = decisions.iter().filter(|one| one.refusal.is_some());
        let share = failing.count() as f64 / 10_000.0;
        // Five standard deviations are 0.022.
        assert!((share - 0.25).abs() < 0.022, "{share}");
        let sound = BadReplica {
            failing_share: 0.0,
            ..fault
        };
        sound.check().expect_err("that is `latency`");
    }
}
