//! Packet loss: messages are lost and sent again.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::{Rng, WireChange};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Loses messages on the network, requests and answers alike. TCP sends them again, so that they come
/// late and none is missing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PacketLoss {
    /// Probability that a message is lost, each time that it is sent, from 0.0001 to 0.99.
    loss: f64,
    /// Time after which it is sent again, in milliseconds, from 0.001 to 3,600,000; that of
    /// `topology.network` unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retransmit_ms: Option<f64>,
}

impl Kind for PacketLoss {
    const INFO: KindInfo = KindInfo {
        name: "packet_loss",
        summary: "messages to a service and its answers are lost, and sent again later",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["network", "straggler"],
    };

    fn example() -> Self {
        PacketLoss {
            loss: 0.3,
            retransmit_ms: None,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("loss", self.loss, 0.0001, 0.99)?;
        let retransmit_ms = self.retransmit_ms.unwrap_or(1.0);
        check_within("retransmit_ms", retransmit_ms, 0.001, 3_600_000.0)
    }
}

impl Fault for PacketLoss {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision {
            wire: Some(WireChange {
                loss: Some(self.loss),
                retransmit_ms: self.retransmit_ms,
                ..WireChange::default()
            }),
            ..Decision::default()
        }
    }
}
