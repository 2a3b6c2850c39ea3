//! Cache stampede: everything that was remembered expires at once.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Service;
use ragdoll_runtime::{Overrides, Rng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Fault, Kind};
use crate::facts::Facts;

/// Makes all that a service's caches hold expire at the moment at which the fault starts. What they
/// learn from then on is good.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CacheStampede {}

impl Kind for CacheStampede {
    const INFO: KindInfo = KindInfo {
        name: "cache_stampede",
        summary: "all that a service's caches hold expires at once, and everybody asks anew",
        resource: "cache",
        services: &[Service::GATEWAY],
        graph: Some(Needs::Cache),
        edges: false,
        standing: false,
        callers: false,
        causes: &["queue", "compute", "cache"],
    };

    fn example() -> Self {
        CacheStampede {}
    }

    fn check(&self) -> Result<(), ParamError> {
        Ok(())
    }
}

impl Fault for CacheStampede {
    fn decide(&self, facts: &Facts<'_>, _: &mut Rng) -> Decision {
        Decision::overrides(Overrides {
            cache_expired_us: Some(facts.started_us),
            ..Overrides::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn what_is_older_than_the_fault_has_expired() {
        let facts = Facts {
            started_us: 7,
            ..Facts::default()
        };
        let mut random = Streams::new(1).stream("test").rng();
        let decision = CacheStampede {}.decide(&facts, &mut random);
        let expired_us = decision.overrides.and_then(|one| one.cache_expired_us);
        assert_eq!(expired_us, Some(7));
    }
}
