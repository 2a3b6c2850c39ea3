//! Processor time that a quota withholds, and time that a collector of garbage takes, as counters tell.

use crate::facts::metric_index::Holder;
use crate::facts::names::metrics::{METRIC_CPU_TIME, METRIC_PAUSES, METRIC_QUOTA_PERIODS};
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::signs::samples::increase;
use crate::statistics::summary::ratio;

/// Share of the periods of its processor quota in which `holder` had to stop, 0 to 1.
pub(crate) fn throttled_share(
    prepared: &Prepared<'_>,
    holder: Holder,
    window: &Window,
) -> Option<f64> {
    METRIC_QUOTA_PERIODS.iter().find_map(|(stopped, all)| {
        let stopped = increase(prepared, holder, stopped, window)?;
        ratio(stopped, increase(prepared, holder, all, window)?)
    })
}

/// Processors that `holder` kept busy, mean.
pub(crate) fn processors_used(
    prepared: &Prepared<'_>,
    holder: Holder,
    window: &Window,
) -> Option<f64> {
    let mut names = METRIC_CPU_TIME.iter();
    let seconds = names.find_map(|name| increase(prepared, holder, name, window))?;
    Some(seconds / window.seconds().max(f64::MIN_POSITIVE))
}

/// Pauses of a collector, by counters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pauses {
    /// Share of the time that passed in them, 0 to 1.
    pub(crate) share: f64,
    /// Mean length in milliseconds, where pauses are counted.
    pub(crate) mean_ms: Option<f64>,
}

/// What a collector took of the time of `holder`.
pub(crate) fn pauses(prepared: &Prepared<'_>, holder: Holder, window: &Window) -> Option<Pauses> {
    METRIC_PAUSES.iter().find_map(|(seconds, count)| {
        let seconds = increase(prepared, holder, seconds, window)?;
        let count = count.and_then(|count| increase(prepared, holder, count, window));
        Some(Pauses {
            share: seconds / window.seconds().max(f64::MIN_POSITIVE),
            mean_ms: count.and_then(|count| ratio(1e3 * seconds, count)),
        })
    })
}
