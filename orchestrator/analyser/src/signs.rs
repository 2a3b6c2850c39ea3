//! Signs of trouble that are not in spans: logs of deaths and restarts, gauges and counters.

mod bounded;
mod figures;
mod gauges;
mod lines;
mod memory;
mod samples;
mod slope;
mod withheld;

use ragdoll_trace::{LogEvent, Severity};

use crate::config::Window;
use crate::names::{
    LAST_END_OUT_OF_MEMORY, LOG_OUT_OF_MEMORY, LOG_RESTARTS, LOG_STARTED, METRIC_KILLS,
    METRIC_LAST_END,
};
use crate::parties::{Party, ServiceId};
use crate::prepared::Prepared;

pub(crate) use bounded::{AtLimit, at_limit};
pub(crate) use figures::{
    growth_figures, limit_figures, metric_figures, pauses_figure, throttled_figure,
};
pub(crate) use gauges::{Gauges, Holder};
pub(crate) use lines::Lines;
pub(crate) use memory::growth;
pub(crate) use samples::{gauge, gauge_mean, holders, points};
pub(crate) use withheld::{pauses, processors_used, throttled_share};

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
        for party in prepared.parties.of_service(service) {
            for log in prepared.lines.within(prepared.observations, party, window) {
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

fn is_out_of_memory(log: &LogEvent) -> bool {
    log.severity >= Severity::Error
        && LOG_OUT_OF_MEMORY
            .iter()
            .any(|words| log.message.contains(words))
}

fn is_restart(prepared: &Prepared<'_>, log: &LogEvent) -> bool {
    let set = &prepared.observations.traces;
    let restarts = log
        .fields
        .iter()
        .find(|field| set.text(field.key) == LOG_RESTARTS);
    log.message.contains(LOG_STARTED)
        && restarts
            .and_then(|field| field.value.as_f64())
            .is_some_and(|count| count > 0.0)
}

/// What is found at an instance of a service, or at `party` alone where that is given: of several the one
/// with the largest number. The instance is named where it is the only one of its siblings.
pub(crate) fn only_one<T>(
    prepared: &Prepared<'_>,
    service: ServiceId,
    party: Option<Party>,
    find: impl Fn(Party) -> Option<(f64, T)>,
) -> Option<(Option<Party>, T)> {
    let find = |holder| match holder {
        Holder::Party(party) => find(party),
        Holder::Pod(..) => None,
    };
    only_one_holder(prepared, service, party, find)
}

/// The same, of pods too that are no processes of the traces; none of them is named.
pub(crate) fn only_one_holder<T>(
    prepared: &Prepared<'_>,
    service: ServiceId,
    party: Option<Party>,
    find: impl Fn(Holder) -> Option<(f64, T)>,
) -> Option<(Option<Party>, T)> {
    let instances = prepared.parties.of_service(service).count();
    let all = holders(prepared, service).into_iter();
    let asked = all.filter(|&one| party.is_none_or(|only| one == Holder::Party(only)));
    let found: Vec<_> = asked.filter_map(|one| Some((one, find(one)?))).collect();
    let alone = found.len() == 1 && instances > 1;
    let most = found.into_iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    let named = match most.0 {
        Holder::Party(party) if alone => Some(party),
        _ => None,
    };
    Some((named, most.1.1))
}
