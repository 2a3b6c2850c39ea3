//! Clock skew: a machine's clock is wrong, and with it all times that its processes report.

use ragdoll_fault_spec::{KindInfo, Needs, ParamError};
use ragdoll_runtime::Overrides;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PROCESSES;
use crate::decision::{Fault, Kind};

/// Largest skew, in microseconds: an hour.
const MOST_US: i64 = 3_600_000_000;

/// Sets the clock that the target's spans, log lines and gauges are stamped with. Durations stay
/// right, and requests are served as before.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClockSkew {
    /// By how much the clock is ahead, in microseconds; behind where it is negative. Not 0, and at
    /// most 3,600,000,000 either way.
    clock_skew_us: i64,
}

impl Kind for ClockSkew {
    const INFO: KindInfo = KindInfo {
        name: "clock_skew",
        summary: "a machine's clock is wrong, and with it all times that its telemetry shows",
        resource: "clock",
        services: PROCESSES,
        graph: Some(Needs::Nothing),
        edges: false,
        standing: true,
        callers: false,
        causes: &[],
    };

    fn example() -> Self {
        ClockSkew {
            clock_skew_us: 400_000,
        }
    }

    fn check(&self) -> Result<(), ParamError> {
        let size_us = self.clock_skew_us.unsigned_abs();
        if (1..=MOST_US.unsigned_abs()).contains(&size_us) {
            return Ok(());
        }
        Err(ParamError {
            key: Some("clock_skew_us".to_owned()),
            message: format!("is {}", self.clock_skew_us),
            fix: format!("use 1 to {MOST_US}, or the same below 0"),
        })
    }
}

impl Fault for ClockSkew {
    fn meets_requests(&self) -> bool {
        false
    }

    fn standing(&self, _: f64) -> Option<Overrides> {
        Some(Overrides {
            clock_skew_us: Some(self.clock_skew_us),
            ..Overrides::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_ahead_or_behind_and_never_right() {
        for (skew_us, is_valid) in [
            (0, false),
            (1, true),
            (-MOST_US, true),
            (MOST_US + 1, false),
            (i64::MIN, false),
        ] {
            let skew = ClockSkew {
                clock_skew_us: skew_us,
            };
            assert_eq!(skew.check().is_ok(), is_valid, "{skew_us}");
        }
    }
}
