//! Signs of trouble that are not in spans: logs of deaths and restarts, gauges and counters.

pub(crate) mod alone;
pub(crate) mod bounded;
pub(crate) mod figures;
pub(crate) mod hit_ratio;
mod log_lines;
pub(crate) mod memory;
pub(crate) mod samples;
pub(crate) mod withheld;

use crate::facts::ids::ServiceId;
use crate::facts::metric_index::Holder;
use crate::facts::names::metrics::{LAST_END_OUT_OF_MEMORY, METRIC_KILLS, METRIC_LAST_END};
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::signs::log_lines::{is_out_of_memory, is_restart};
use crate::questions::signs::samples::{holders, points};

/// Share of its memory limit from which a process is about to be killed.
const MEMORY_FULL: f64 = 0.95;

/// Signs of one service in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Signs {
    pub(crate) out_of_memory_logs: u64,
    /// Processes that were killed for their memory, by the counters of others.
    pub(crate) out_of_memory_kills: u64,
    pub(crate) restarts: u64,
    /// Highest share of a process's memory limit in use, where gauges tell.
    pub(crate) memory_peak: Option<f64>,
}

impl Signs {
    pub(crate) fn of(prepared: &Prepared<'_>, service: ServiceId, window: &Window) -> Self {
        let mut signs = Signs::default();
        for instance in prepared.instances.of_service(service) {
            for log in prepared
                .log_index
                .within(prepared.observations, instance, window)
            {
                signs.out_of_memory_logs += u64::from(is_out_of_memory(log));
                signs.restarts += u64::from(is_restart(prepared, log));
            }
        }
        let mut restarts_counted = 0.0;
        for holder in holders(prepared, service) {
            restarts_counted += memory::restarts_counted(prepared, holder, window);
            signs.out_of_memory_kills += kills(prepared, holder, window);
            let peak = memory::peak_share(prepared, holder, window);
            let peaks = [signs.memory_peak, peak].into_iter().flatten();
            signs.memory_peak = peaks.reduce(f64::max);
        }
        // The process and the cluster may both say it of the same restart.
        signs.restarts = signs.restarts.max(restarts_counted as u64);
        signs
    }

    /// Whether processes ran out of memory, and more often than in the baseline.
    pub(crate) fn ran_out_of_memory(&self, baseline: &Signs) -> bool {
        let full = self.memory_peak.is_some_and(|peak| peak >= MEMORY_FULL);
        self.out_of_memory_logs > baseline.out_of_memory_logs
            || self.out_of_memory_kills > baseline.out_of_memory_kills
            || (self.restarts > baseline.restarts && full)
    }
}

/// Times that `holder` was killed for its memory, as a counter or the reason of its last end tells.
fn kills(prepared: &Prepared<'_>, holder: Holder, window: &Window) -> u64 {
    let counted = samples::increase(prepared, holder, METRIC_KILLS, window).unwrap_or(0.0);
    let (key, wanted) = LAST_END_OUT_OF_MEMORY;
    let set = &prepared.observations.traces;
    let ends = points(prepared, holder, METRIC_LAST_END, window).filter(|point| {
        let reason = samples::said(prepared, point, key);
        reason.is_some_and(|reason| set.text(reason) == wanted)
    });
    // It stays 1 for as long as no other end follows: only its becoming 1 is an end in this window.
    let ends: Vec<f64> = ends.map(|point| point.value).collect();
    let became = ends.windows(2).filter(|pair| pair[0] < pair[1]).count();
    (counted as u64).max(became as u64)
}
