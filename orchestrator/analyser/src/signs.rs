//! Signs of trouble that are not in spans: logs of deaths and restarts, gauges.

use ragdoll_trace::{LogEvent, Severity};

use crate::config::Window;
use crate::names::{
    LOG_OUT_OF_MEMORY, LOG_RESTARTS, LOG_STARTED, METRIC_MEMORY, METRIC_MEMORY_LIMIT,
};
use crate::parties::{Party, ServiceId};
use crate::prepared::Prepared;
use crate::statistics::mean;

/// Share of its memory limit from which a process is about to be killed.
const MEMORY_FULL: f64 = 0.95;

/// Signs of one service in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Signs {
    pub(crate) out_of_memory_logs: u64,
    pub(crate) restarts: u64,
    /// Highest share of a process's memory limit in use, where gauges tell.
    pub(crate) memory_peak: Option<f64>,
}

impl Signs {
    pub(crate) fn of(prepared: &Prepared<'_>, service: ServiceId, window: &Window) -> Self {
        let mut signs = Signs::default();
        for log in &prepared.observations.logs {
            let party = prepared.parties.of(log.resource);
            if prepared.parties.service(party) != service || !window.contains(log.time_ns) {
                continue;
            }
            signs.out_of_memory_logs += u64::from(is_out_of_memory(log));
            signs.restarts += u64::from(is_restart(prepared, log));
        }
        for party in prepared.parties.of_service(service) {
            let peak = |name| {
                gauge(prepared, party, name, window)
                    .into_iter()
                    .reduce(f64::max)
            };
            if let (Some(usage), Some(limit)) = (peak(METRIC_MEMORY), peak(METRIC_MEMORY_LIMIT))
                && limit > 0.0
            {
                let share = usage / limit;
                signs.memory_peak = Some(signs.memory_peak.map_or(share, |peak| peak.max(share)));
            }
        }
        signs
    }

    /// Whether processes ran out of memory, and more often than in the baseline.
    pub(crate) fn ran_out_of_memory(&self, baseline: &Signs) -> bool {
        let full = self.memory_peak.is_some_and(|peak| peak >= MEMORY_FULL);
        self.out_of_memory_logs > baseline.out_of_memory_logs
            || (self.restarts > baseline.restarts && full)
    }
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
    let all: Vec<Party> = prepared.parties.of_service(service).collect();
    let asked = all
        .iter()
        .copied()
        .filter(|&one| party.is_none_or(|only| only == one));
    let found: Vec<_> = asked.filter_map(|one| Some((one, find(one)?))).collect();
    let alone = found.len() == 1 && all.len() > 1;
    let most = found.into_iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0))?;
    Some((alone.then_some(most.0), most.1.1))
}

/// Samples of one gauge of one process in a window.
pub(crate) fn gauge(
    prepared: &Prepared<'_>,
    party: Party,
    name: &str,
    window: &Window,
) -> Vec<f64> {
    let Some(name) = prepared.observations.traces.symbol(name) else {
        return Vec::new();
    };
    prepared
        .observations
        .metrics
        .iter()
        .filter(|point| {
            point.name == name
                && prepared.parties.of(point.resource) == party
                && window.contains(point.time_ns)
        })
        .map(|point| point.value)
        .collect()
}

/// Mean of one gauge of one process in a window, where it has samples.
pub(crate) fn gauge_mean(
    prepared: &Prepared<'_>,
    party: Party,
    name: &str,
    window: &Window,
) -> Option<f64> {
    let samples = gauge(prepared, party, name, window);
    (!samples.is_empty()).then(|| mean(samples.into_iter()))
}
