//! Cold start: a process is slow for some time after each of its starts.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{check_at_least, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Lets requests take longer while the target's process has not been up for long: its caches are
/// empty, its code is not compiled yet. The factor falls in a straight line to 1. By itself this is
/// felt by nobody: something has to start the process, such as `crash` or `crash_loop`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ColdStart {
    /// Factor on the service time of a request that comes just after a start, from 1 to 1,000.
    service_time_factor: f64,
    /// Time after a start until the process is as fast as ever, in milliseconds, at least 1.
    warm_up_ms: f64,
}

impl Kind for ColdStart {
    const INFO: KindInfo = KindInfo {
        name: "cold_start",
        summary: "the process is slow for some time after each start",
        resource: "workers",
        services: &[
            Service::GATEWAY,
            Service::METADATA,
            Service::EMBEDDER,
            Service::VECTOR_DB,
            Service::SHARD,
            Service::RERANKER,
        ],
        graph: Some(Needs::Nothing),
        edges: false,
        standing: false,
        callers: false,
        causes: &["compute", "queue"],
    };

    fn example() -> Self {
        ColdStart {
            service_time_factor: 8.0,
            warm_up_ms: 10_000.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("service_time_factor", self.service_time_factor, 1.0, 1000.0)?;
        check_at_least("warm_up_ms", self.warm_up_ms, 1.0)
    }
}

impl Fault for ColdStart {
    fn decide(&self, facts: &Facts<'_>, _: &mut Rng) -> Decision {
        let warm_up_us = ms_to_us(self.warm_up_ms);
        if facts.up_us >= warm_up_us {
            return Decision::default();
        }
        let cold = 1.0 - facts.up_us as f64 / warm_up_us as f64;
        Decision::overrides(Overrides {
            service_time_factor: Some(1.0 + (self.service_time_factor - 1.0) * cold),
            ..Overrides::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn the_factor_falls_to_one_while_the_process_warms_up() {
        let factor_at = |up_us| {
            let mut random = Streams::new(1).stream("test").rng();
            let facts = Facts {
                up_us,
                ..Facts::default()
            };
            let decision = ColdStart::example().decide(&facts, &mut random);
            decision.overrides.map(|change| change.service_time_factor)
        };
        assert_eq!(factor_at(0), Some(Some(8.0)));
        assert_eq!(factor_at(5_000_000), Some(Some(4.5)));
        assert_eq!(factor_at(10_000_000), None, "nothing is changed any more");
        let faster = ColdStart {
            service_time_factor: 0.5,
            warm_up_ms: 1.0,
        };
        let error = faster.check().expect_err("a start makes nothing faster");
        assert_eq!(
            error.to_string(),
            "`service_time_factor` is 0.5: use 1 to 1000"
        );
    }
}
