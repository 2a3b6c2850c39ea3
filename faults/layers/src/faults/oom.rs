//! Out of memory: requests take more memory than the process may have, and it dies.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_at_least;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Changes how much memory a request takes and how much there is. What does not fit stalls for as
/// long as the process reclaims, then the process is killed: requests in progress fail, and it
/// restarts. Absent parameters leave the topology's value.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Oom {
    /// Working memory for each byte of the documents that a request brings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes_per_input_byte: Option<f64>,
    /// Limit past which the process is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    budget_bytes: Option<u64>,
    /// Time that the process spends reclaiming, in vain, before it is killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reclaim_ms: Option<f64>,
    /// Time from the process's death until it takes requests again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    restart_ms: Option<f64>,
}

impl Oom {
    fn overrides(&self) -> Overrides {
        Overrides {
            memory_bytes_per_input_byte: self.bytes_per_input_byte,
            memory_budget_bytes: self.budget_bytes,
            memory_reclaim_ms: self.reclaim_ms,
            memory_restart_ms: self.restart_ms,
            ..Overrides::default()
        }
    }
}

impl Kind for Oom {
    const INFO: KindInfo = KindInfo {
        name: "oom",
        summary: "requests take more memory than the process may have: it is killed and restarts",
        resource: "memory",
        services: &[Service::RERANKER],
        graph: Some(Needs::Memory),
        edges: false,
        standing: false,
        callers: false,
        causes: &["memory"],
    };

    fn example() -> Self {
        Oom {
            bytes_per_input_byte: Some(5000.0),
            budget_bytes: None,
            reclaim_ms: Some(100.0),
            restart_ms: Some(300.0),
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        if self.bytes_per_input_byte.is_none() && self.budget_bytes.is_none() {
            return Err(ParamError {
                key: None,
                message: "change neither how much a request takes nor how much there is".to_owned(),
                fix: "add `bytes_per_input_byte` or `budget_bytes`".to_owned(),
            });
        }
        check_at_least(
            "bytes_per_input_byte",
            self.bytes_per_input_byte.unwrap_or(0.0),
            0.0,
        )?;
        check_at_least("budget_bytes", self.budget_bytes.unwrap_or(1) as f64, 1.0)?;
        check_at_least("reclaim_ms", self.reclaim_ms.unwrap_or(0.0), 0.0)?;
        check_at_least("restart_ms", self.restart_ms.unwrap_or(0.0), 0.0)
    }
}

impl Fault for Oom {
    fn decide(&self, _: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(self.overrides())
    }

    /// A limit that every request meets is the process's: its gauge shows it too.
    fn standing(&self, probability: f64) -> Option<Overrides> {
        let limit = self.budget_bytes.filter(|_| probability >= 1.0);
        limit.map(|budget_bytes| Overrides {
            memory_budget_bytes: Some(budget_bytes),
            ..Overrides::default()
        })
    }
}
