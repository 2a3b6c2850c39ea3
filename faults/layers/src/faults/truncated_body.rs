//! Truncated body: answers end too early.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;
use crate::spoil::Spoil;

/// Cuts the end off answers. They end as if they were whole: nobody is told that bytes are missing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TruncatedBody {
    /// Share of an answer's bytes that arrive, from 0 to 0.99.
    #[serde(default = "half")]
    keep: f64,
}

fn half() -> f64 {
    0.5
}

impl Kind for TruncatedBody {
    const INFO: KindInfo = KindInfo {
        name: "truncated_body",
        summary: "answers of a service end before all of their bytes have come",
        resource: "answers",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: false,
        causes: &["errors"],
    };

    fn example() -> Self {
        TruncatedBody { keep: half() }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("keep", self.keep, 0.0, 0.99)
    }
}

impl Fault for TruncatedBody {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision {
            spoil: Some(Spoil::Truncate { keep: self.keep }),
            ..Decision::default()
        }
    }
}
