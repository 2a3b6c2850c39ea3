//! Stream stall: an answer stops for a while in the middle.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::ms_to_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;
use crate::spoil::Spoil;

/// Lets an answer stand still once while it arrives.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamStall {
    /// Pieces of the answer that arrive before, such as tokens; from 0 to 1,000,000.
    #[serde(default)]
    after: u32,
    /// How long nothing comes, in milliseconds, from 0.001 to 3,600,000.
    stall_ms: f64,
}

impl Kind for StreamStall {
    const INFO: KindInfo = KindInfo {
        name: "stream_stall",
        summary: "an answer stops for a while in the middle, and goes on",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["network", "straggler"],
    };

    fn example() -> Self {
        StreamStall {
            after: 8,
            stall_ms: 1_500.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("after", f64::from(self.after), 0.0, 1_000_000.0)?;
        check_within("stall_ms", self.stall_ms, 0.001, 3_600_000.0)
    }
}

impl Fault for StreamStall {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision {
            spoil: Some(Spoil::Stall {
                after: self.after,
                stall_us: ms_to_us(self.stall_ms),
            }),
            ..Decision::default()
        }
    }
}
