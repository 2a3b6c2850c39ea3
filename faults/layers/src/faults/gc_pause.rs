//! Garbage collection: the process stops for as long as it collects.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_model::Dist;
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PROCESSES, check_at_least, check_pulse, check_within, pulse_ms};
use crate::action::Action;
use crate::decision::{Fault, Kind};
use crate::pulse::Pulse;
/// Stops the target's process for collections of garbage: by the clock, or when its requests have left
/// enough garbage behind. Nothing in the process goes on meanwhile. Exactly one of `every_ms` and
/// `garbage_factor` is given.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GcPause {
    /// How long a collection stops the process, in milliseconds, at least 0.001.
    pause_ms: f64,
    /// Time from one collection's start to the next, in milliseconds, more than `pause_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every_ms: Option<f64>,
    /// Garbage that each request makes for each byte of its working memory, from 0.001 to 1,000,000.
    /// For the reranker, whose memory is modelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    garbage_factor: Option<f64>,
}

impl Kind for GcPause {
    const INFO: KindInfo = KindInfo {
        name: "gc_pause",
        summary: "the process stops again and again to collect garbage",
        resource: "memory",
        services: PROCESSES,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["memory"],
    };

    fn example() -> Self {
        GcPause {
            pause_ms: 1000.0,
            every_ms: Some(4000.0),
            garbage_factor: None,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        match (self.every_ms, self.garbage_factor) {
            (Some(every_ms), None) => {
                check_pulse(("pause_ms", self.pause_ms), ("every_ms", every_ms))
            }
            (None, Some(garbage_factor)) => {
                check_at_least("pause_ms", self.pause_ms, 0.001)?;
                check_within("garbage_factor", garbage_factor, 0.001, 1e6)
            }
            _ => Err(ParamError {
                key: None,
                message: "do not say what makes the process collect".to_owned(),
                fix: "give `every_ms` or `garbage_factor`, and not both".to_owned(),
            }),
        }
    }
}

impl Fault for GcPause {
    fn meets_requests(&self) -> bool {
        self.garbage_factor.is_some()
    }

    fn standing(&self, _: f64) -> Option<Overrides> {
        let garbage_factor = self.garbage_factor?;
        Some(Overrides {
            garbage_factor: Some(garbage_factor),
            gc_pause: Some(Dist::fixed(self.pause_ms)),
            ..Overrides::default()
        })
    }

    fn pulse(&self) -> Option<Pulse> {
        let every_ms = self.every_ms?;
        Some(pulse_ms(self.pause_ms, every_ms))
    }

    fn action(&self) -> Option<Action> {
        self.every_ms.map(|_| Action::Pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(every_ms: Option<f64>, garbage_factor: Option<f64>) -> GcPause {
        GcPause {
            pause_ms: 200.0,
            every_ms,
            garbage_factor,
        }
    }

    #[test]
    fn the_process_collects_by_the_clock_or_for_its_garbage() {
        for (every_ms, garbage_factor) in [(None, None), (Some(1000.0), Some(2.0))] {
            let both = pause(every_ms, garbage_factor);
            let error = both.check().expect_err("one of the two");
            assert!(
                error.fix.contains("`every_ms` or `garbage_factor`"),
                "{error}"
            );
        }
        assert!(
            pause(Some(200.0), None).check().is_err(),
            "it never goes on"
        );

        let by_clock = pause(Some(1000.0), None);
        assert!(by_clock.check().is_ok());
        assert_eq!(by_clock.action(), Some(Action::Pause));
        assert_eq!(by_clock.standing(1.0), None);
        let for_garbage = pause(None, Some(2.0));
        assert!(for_garbage.check().is_ok());
        assert_eq!((for_garbage.action(), for_garbage.pulse()), (None, None));
        let change = for_garbage.standing(1.0).expect("a change");
        assert_eq!(change.gc_pause, Some(Dist::fixed(200.0)));
    }
}
