//! Noisy neighbour: others on the machine take processor time.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{check_pulse, check_within, pulse_ms};
use crate::decision::{Fault, Kind};
use crate::pulse::Pulse;
/// Lets neighbours on the same machine take a share of the target's processors in bursts. What computes
/// meanwhile takes longer by that share. Of the LLM nothing is taken: it computes on processors of its
/// own.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoisyNeighbour {
    /// Share of the processors' time that the neighbours take, from 0.001 to 0.99.
    stolen: f64,
    /// How long a burst lasts, in milliseconds, at least 0.001.
    burst_ms: f64,
    /// Time from one burst's start to the next, in milliseconds, more than `burst_ms`.
    every_ms: f64,
}

impl Kind for NoisyNeighbour {
    const INFO: KindInfo = KindInfo {
        name: "noisy_neighbour",
        summary: "neighbours on the machine take a share of the processors in bursts",
        resource: "cpu",
        services: &[
            Service::GATEWAY,
            Service::METADATA,
            Service::EMBEDDER,
            Service::VECTOR_DB,
            Service::SHARD,
            Service::RERANKER,
            Service::INGEST_WORKER,
        ],
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["cpu"],
    };

    fn example() -> Self {
        NoisyNeighbour {
            stolen: 0.9,
            burst_ms: 2000.0,
            every_ms: 4000.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("stolen", self.stolen, 0.001, 0.99)?;
        check_pulse(("burst_ms", self.burst_ms), ("every_ms", self.every_ms))
    }
}

impl Fault for NoisyNeighbour {
    /// It befalls the process: a request need not come while it lasts.
    fn meets_requests(&self) -> bool {
        false
    }

    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            cpu_stolen: Some(self.stolen),
            ..Overrides::default()
        })
    }

    fn pulse(&self) -> Option<Pulse> {
        Some(pulse_ms(self.burst_ms, self.every_ms))
    }
}
