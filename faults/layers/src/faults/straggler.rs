//! Straggler: a replica's work takes longer for some requests.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::random::chance;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Lets searches of a shard take longer for a share of the requests, with a server taken for as long.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Straggler {
    /// Factor on the time of a search, from 1 to 10,000.
    service_time_factor: f64,
    /// Share of the searches that it holds for, from 0.001 to 1.
    #[serde(default = "all")]
    share: f64,
}

fn all() -> f64 {
    1.0
}

impl Kind for Straggler {
    const INFO: KindInfo = KindInfo {
        name: "straggler",
        summary: "some searches of a shard take longer, and the others wait for them",
        resource: "workers",
        services: &[Service::SHARD],
        graph: Some(Needs::Nothing),
        edges: false,
        standing: false,
        callers: false,
        causes: &["straggler", "compute", "queue"],
    };

    fn example() -> Self {
        Straggler {
            service_time_factor: 40.0,
            share: 0.5,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within(
            "service_time_factor",
            self.service_time_factor,
            1.0,
            10_000.0,
        )?;
        check_within("share", self.share, 0.001, 1.0)
    }
}

impl Fault for Straggler {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        if !chance(self.share, random) {
            return Decision::default();
        }
        Decision::overrides(Overrides {
            service_time_factor: Some(self.service_time_factor),
            ..Overrides::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn a_share_of_the_searches_takes_longer() {
        let fault = Straggler {
            service_time_factor: 7.0,
            share: 0.25,
        };
        let stream = Streams::new(1).stream("test");
        let slow = (0..10_000).filter(|&number| {
            let decision = fault.decide(&Facts::default(), &mut stream.at(number));
            let factor = decision.overrides.and_then(|one| one.service_time_factor);
            assert!([None, Some(7.0)].contains(&factor));
            factor.is_some()
        });
        // Five standard deviations are 217.
        let slow = slow.count();
        assert!((2_283..=2_717).contains(&slow), "{slow}");
        let quick = Straggler {
            service_time_factor: 0.5,
            share: 1.0,
        };
        quick.check().expect_err("a straggler is not quicker");
    }
}
