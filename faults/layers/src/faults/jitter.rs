//! Jitter: messages take varying times on their way.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::{ms_to_us, unit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SERVERS, check_within};
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Holds each message on the network up, requests and answers each by themselves. Every time between
/// none and the longest is equally likely.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Jitter {
    /// Longest time that a message is held up, in milliseconds, from 0.001 to 3,600,000.
    up_to_ms: f64,
}

impl Kind for Jitter {
    const INFO: KindInfo = KindInfo {
        name: "jitter",
        summary: "messages to a service and its answers take varying times on the network",
        resource: "network",
        services: SERVERS,
        graph: Some(Needs::Nothing),
        edges: true,
        standing: false,
        callers: true,
        causes: &["network", "straggler"],
    };

    fn example() -> Self {
        Jitter { up_to_ms: 400.0 }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("up_to_ms", self.up_to_ms, 0.001, 3_600_000.0)
    }
}

impl Fault for Jitter {
    fn decide(&self, _: &Facts<'_>, random: &mut Rng) -> Decision {
        let mut held_us = || ms_to_us(self.up_to_ms * unit(random));
        Decision {
            delay_us: held_us(),
            answer_delay_us: held_us(),
            ..Decision::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn both_ways_take_times_of_their_own_around_the_same_mean() {
        let fault = Jitter { up_to_ms: 10.0 };
        let stream = Streams::new(1).stream("test");
        let ways: Vec<(u64, u64)> = (0..20_000)
            .map(|number| {
                let decision = fault.decide(&Facts::default(), &mut stream.at(number));
                (decision.delay_us, decision.answer_delay_us)
            })
            .collect();
        let mean = |of: fn(&(u64, u64)) -> u64| {
            ways.iter().map(of).sum::<u64>() as f64 / ways.len() as f64
        };
        // The mean of 20,000 such times is off by 20 us in one of 1,000,000 tries.
        assert!((mean(|way| way.0) - 5_000.0).abs() < 100.0);
        assert!((mean(|way| way.1) - 5_000.0).abs() < 100.0);
        let product = mean(|way| way.0 * way.1 / 1_000);
        let independent = 5_000.0 * 5_000.0 / 1_000.0;
        assert!((product / independent - 1.0).abs() < 0.03, "{product}");
        assert!(ways.iter().all(|way| way.0 <= 10_000 && way.1 <= 10_000));
    }
}
