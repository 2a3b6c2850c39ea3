//! Hot shard: much of what some users own lives in one partition.

use ragdoll_fault_spec::{KindInfo, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::random::hash;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check_within;
use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes the searches of some users cost more in the shard that holds their data.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HotShard {
    /// Share of the users whose data lives there, above 0 and up to 1. It is the same users for
    /// every shard that has the fault.
    user_share: f64,
    /// Factor on the time of a search for one of them, from 1 to 10,000.
    search_time_factor: f64,
}

impl HotShard {
    /// Whether a user's data lives in the shard.
    fn has(&self, user: &str) -> bool {
        let position = hash(user) as f64 / u64::MAX as f64;
        position < self.user_share
    }
}

impl Kind for HotShard {
    const INFO: KindInfo = KindInfo {
        name: "hot_shard",
        summary: "the data of some users lives in one shard, whose searches for them take longer",
        resource: "workers",
        services: &[Service::SHARD],
        graph: None,
        edges: false,
        standing: false,
        callers: false,
        causes: &["straggler", "queue"],
    };

    fn example() -> Self {
        HotShard {
            user_share: 0.3,
            search_time_factor: 10.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_within("user_share", self.user_share, 0.001, 1.0)?;
        check_within("search_time_factor", self.search_time_factor, 1.0, 10_000.0)
    }
}

impl Fault for HotShard {
    fn decide(&self, facts: &Facts<'_>, _: &mut Rng) -> Decision {
        if !self.has(facts.user_id()) {
            return Decision::default();
        }
        Decision::overrides(Overrides {
            service_time_factor: Some(self.search_time_factor),
            ..Overrides::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;
    use ragdoll_telemetry::RequestContext;

    use super::*;

    #[test]
    fn it_is_always_the_same_share_of_users() {
        let fault = HotShard {
            user_share: 0.3,
            search_time_factor: 10.0,
        };
        let decide = |user: u32, number: u64| {
            let context = RequestContext::new(number.to_string(), format!("user-{user}"));
            let facts = Facts {
                context: Some(&context),
                ..Facts::default()
            };
            fault.decide(&facts, &mut Streams::new(1).stream("test").at(number))
        };
        let hot = (0..1000).filter(|&user| !decide(user, 1).is_nothing());
        let hot = hot.count();
        assert!((250..350).contains(&hot), "{hot} of 1000");
        for user in 0..50 {
            assert_eq!(decide(user, 1), decide(user, 2), "user {user}");
        }
    }
}
