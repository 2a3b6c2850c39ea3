//! Stream cut: the connection breaks in the middle of an answer.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;
use crate::spoil::Spoil;

/// Breaks the connection while the answer arrives. An answer in one piece breaks within it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamCut {
    /// Pieces of the answer that arrive before, such as tokens; from 0 to 1,000,000.
    #[serde(default)]
    after: u32,
}

impl Kind for StreamCut {
    const INFO: KindInfo = KindInfo {
        name: "stream_cut",
        summary: "the connection breaks while an answer arrives",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        StreamCut { after: 8 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("after", f64::from(self.after), 0.0, 1_000_000.0)
    }
}

impl Fault for StreamCut {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision {
            spoil: Some(Spoil::Break { after: self.after }),
            ..Decision::default()
        }
    }
}
