//! Crash loop: the process is killed again and again.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::random::ms_to_us;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PROCESSES, check_at_least};
use crate::action::Action;
use crate::decision::{Fault, Kind};
use crate::pulse::Pulse;

/// Kills the target's process when the fault starts, and again each time that it has been up for a
/// while. Requests in progress are cut and their spans lost, new ones are refused until it is back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrashLoop {
    /// Time for which the process runs between a start and the next kill, in milliseconds, at least
    /// 1.
    up_ms: f64,
    /// Time from a kill until the process is back, in milliseconds, at least 1.
    down_ms: f64,
}

impl Kind for CrashLoop {
    const INFO: KindInfo = KindInfo {
        name: "crash_loop",
        summary: "the process is killed again and again, soon after each start",
        resource: "process",
        services: PROCESSES,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &["errors", "retries"],
    };

    fn example() -> Self {
        CrashLoop {
            up_ms: 4000.0,
            down_ms: 2000.0,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        check_at_least("up_ms", self.up_ms, 1.0)?;
        check_at_least("down_ms", self.down_ms, 1.0)
    }
}

impl Fault for CrashLoop {
    fn meets_requests(&self) -> bool {
        false
    }

    fn pulse(&self) -> Option<Pulse> {
        let down_us = ms_to_us(self.down_ms);
        Some(Pulse {
            every_us: down_us.saturating_add(ms_to_us(self.up_ms)),
            for_us: down_us,
        })
    }

    fn action(&self) -> Option<Action> {
        Some(Action::Crash { down_us: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kill_lasts_for_the_time_down_and_the_next_comes_after_the_time_up() {
        let example = CrashLoop::example();
        let pulse = example.pulse().expect("it comes and goes");
        assert_eq!((pulse.every_us, pulse.for_us), (6_000_000, 2_000_000));
        assert_eq!(example.action(), Some(Action::Crash { down_us: None }));
        for (up_ms, down_ms, key) in [(0.5, 10.0, "up_ms"), (10.0, f64::NAN, "down_ms")] {
            let error = CrashLoop { up_ms, down_ms }.check();
            let error = error.expect_err("out of range").to_string();
            assert!(
                error.contains(key) && error.contains("at least 1"),
                "{error}"
            );
        }
    }
}
