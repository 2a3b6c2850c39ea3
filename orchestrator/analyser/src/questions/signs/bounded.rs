//! Pools, threads and descriptors that are in use to the last one.

use std::collections::BTreeMap;

use ragdoll_trace::{MetricPoint, Symbol};

use crate::facts::metric_index::Holder;
use crate::facts::names::limits::{BOUNDED, Bounded, Kind};
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::signs::samples::{name_of, points, said};
use crate::statistics::summary::mean;

/// Samples in each window below which their share says nothing.
const SAMPLES_MIN: usize = 4;

/// Growth of the share of samples at the limit from which it is a change, and not a moment's.
const GROWTH_MIN: f64 = 0.1;

/// A resource that is at its limit in more samples than in the baseline.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AtLimit {
    pub(crate) kind: Kind,
    /// Which one, in words.
    pub(crate) name: String,
    pub(crate) limit: f64,
    /// Share of the samples at the limit, 0 to 1, now and in the baseline. Only of descriptors the baseline
    /// need not tell: they are rarely counted before they run short.
    pub(crate) share: f64,
    pub(crate) share_before: Option<f64>,
    /// Calls that wait for one, mean, now and in the baseline; where that is measured.
    pub(crate) pending: Option<(f64, f64)>,
}

/// Samples of one resource in one window.
struct Use {
    used: Vec<f64>,
    limit: f64,
    pending: Option<f64>,
}

impl Use {
    fn share(&self, kind: Kind) -> f64 {
        let least = kind.full_share() * self.limit;
        let full = self.used.iter().filter(|&&used| used >= least).count();
        full as f64 / self.used.len().max(1) as f64
    }
}

/// What of `holder` is at its limit more often than in the baseline, the most often first.
pub(crate) fn at_limit(compared: &Comparison<'_>, holder: Holder) -> Vec<AtLimit> {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        ..
    } = *compared;
    let mut found: Vec<AtLimit> = Vec::new();
    for bounded in &BOUNDED {
        let used_before = uses(prepared, holder, bounded, before);
        for (which, used) in uses(prepared, holder, bounded, now) {
            let used_before = used_before.get(&which);
            if used_before.is_none() && bounded.kind != Kind::Descriptors {
                continue;
            }
            let share = used.share(bounded.kind);
            let share_before = used_before.map(|used| used.share(bounded.kind));
            if share - share_before.unwrap_or(0.0) >= GROWTH_MIN {
                let pending_before = used_before.and_then(|used| used.pending);
                found.push(AtLimit {
                    kind: bounded.kind,
                    name: name(prepared, holder, which),
                    limit: used.limit,
                    share,
                    share_before,
                    pending: used.pending.zip(pending_before),
                });
            }
        }
    }
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    found
}

fn name(prepared: &Prepared<'_>, holder: Holder, which: Option<Symbol>) -> String {
    let holder = name_of(prepared, holder);
    match which.map(|which| prepared.observations.traces.text(which)) {
        Some(pool) if !pool.is_empty() => format!("{pool} of {holder}"),
        _ => holder.to_owned(),
    }
}

/// The resources of one kind of a process, by what tells them apart; those that have a limit, and are
/// measured often enough.
fn uses(
    prepared: &Prepared<'_>,
    holder: Holder,
    bounded: &Bounded,
    window: &Window,
) -> BTreeMap<Option<Symbol>, Use> {
    let which = |point: &MetricPoint| said(prepared, point, bounded.which?);
    let values = |name: &str| {
        let mut values: BTreeMap<Option<Symbol>, Vec<f64>> = BTreeMap::new();
        for point in points(prepared, holder, name, window) {
            if name != bounded.used || is_in_use(prepared, point, bounded) {
                values.entry(which(point)).or_default().push(point.value);
            }
        }
        values
    };
    let mut used = values(bounded.used);
    used.retain(|_, samples| samples.len() >= SAMPLES_MIN);
    if used.is_empty() {
        return BTreeMap::new();
    }
    let limits = values(bounded.limit);
    let pending = bounded.pending.map(values).unwrap_or_default();
    // A limit that says not which it is of is of all of them.
    let of = |all: &BTreeMap<Option<Symbol>, Vec<f64>>, which| {
        all.get(&which).or_else(|| all.get(&None)).cloned()
    };
    let with_limit = used.into_iter().filter_map(|(which, used)| {
        let limit = of(&limits, which)?.into_iter().reduce(f64::max)?;
        let pending = of(&pending, which).map(|samples| mean(samples.into_iter()));
        let found = Use {
            used,
            limit,
            pending,
        };
        (limit > 0.0).then_some((which, found))
    });
    with_limit.collect()
}

fn is_in_use(prepared: &Prepared<'_>, point: &MetricPoint, bounded: &Bounded) -> bool {
    let Some((key, wanted)) = bounded.state else {
        return true;
    };
    let state = said(prepared, point, key);
    state.is_none_or(|state| prepared.observations.traces.text(state) == wanted)
}
