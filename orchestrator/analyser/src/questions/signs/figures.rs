//! What metrics say of a service, for a reader: only what differs from the baseline.

use crate::facts::ids::{InstanceId, ServiceId};
use crate::facts::metric_index::Holder;
use crate::facts::names::limits::Kind;
use crate::facts::names::metrics::METRIC_ACCELERATOR;
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::evidence::figure;
use crate::questions::findings::Figure;
use crate::questions::signs::bounded::{AtLimit, at_limit};
use crate::questions::signs::memory::{Growth, growth};
use crate::questions::signs::samples::{holders, name_of, points};
use crate::questions::signs::withheld::{pauses, throttled_share};
use crate::statistics::summary::mean;

/// Growth of the share of quota periods, or of the time, that is worth a line.
const THROTTLED_GROWTH_MIN: f64 = 0.1;
const PAUSES_GROWTH_MIN: f64 = 0.02;
const ACCELERATOR_GROWTH_MIN: f64 = 0.1;

/// Calls that wait for a connection, mean, from which it is worth a line.
const PENDING_MIN: f64 = 0.5;

/// Lines on what metrics say of `service`, or of its `instance` alone, that they did not say in the
/// baseline: of each kind those of the one process or pod that changed most.
pub(crate) fn metric_figures(
    compared: &Comparison<'_>,
    service: ServiceId,
    instance: Option<InstanceId>,
) -> Vec<Figure> {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        ..
    } = *compared;
    let mut all = holders(prepared, service);
    if let Some(instance) = instance {
        all.retain(|&holder| holder == Holder::Instance(instance));
    }
    let mut figures = Vec::new();
    let growths = all.iter().filter_map(|&holder| growth(compared, holder));
    let fastest = growths.max_by(|a, b| a.bytes_per_s.total_cmp(&b.bytes_per_s));
    figures.extend(fastest.iter().flat_map(growth_figures));
    let mut full: Vec<AtLimit> = all
        .iter()
        .flat_map(|&holder| at_limit(compared, holder))
        .collect();
    full.sort_by(|a, b| b.share.total_cmp(&a.share));
    for kind in [Kind::Connections, Kind::Threads, Kind::Descriptors] {
        let first = full.iter().find(|at_limit| at_limit.kind == kind);
        figures.extend(first.into_iter().flat_map(limit_figures));
    }
    let throttled = |holder: &Holder| {
        let share = throttled_share(prepared, *holder, now)?;
        let share_before = throttled_share(prepared, *holder, before)?;
        Some((*holder, share, share_before))
    };
    let paused = |holder: &Holder| {
        let share = pauses(prepared, *holder, now)?.share;
        Some((*holder, share, pauses(prepared, *holder, before)?.share))
    };
    let computes = |holder: &Holder| {
        let share = accelerator_share(prepared, *holder, now)?;
        Some((
            *holder,
            share,
            accelerator_share(prepared, *holder, before)?,
        ))
    };
    let computes = most_grown(all.iter().filter_map(computes), ACCELERATOR_GROWTH_MIN);
    figures.extend(computes.map(|(holder, now, before)| {
        let what = format!(
            "utilisation of the accelerator of {}",
            name_of(prepared, holder)
        );
        figure(what, 100.0 * now, 100.0 * before, "%")
    }));
    let throttled = most_grown(all.iter().filter_map(throttled), THROTTLED_GROWTH_MIN);
    figures.extend(throttled.map(|found| throttled_figure(prepared, found)));
    let paused = most_grown(all.iter().filter_map(paused), PAUSES_GROWTH_MIN);
    figures.extend(paused.map(|found| pauses_figure(prepared, found)));
    figures
}

/// Share of the time in which a process's accelerator computed, mean.
fn accelerator_share(prepared: &Prepared<'_>, holder: Holder, window: &Window) -> Option<f64> {
    METRIC_ACCELERATOR.into_iter().find_map(|name| {
        let samples: Vec<f64> = points(prepared, holder, name, window)
            .map(|point| point.value)
            .collect();
        (!samples.is_empty()).then(|| mean(samples.into_iter()))
    })
}

/// A process or pod with a share now and before.
type Shares = (Holder, f64, f64);

fn most_grown(shares: impl Iterator<Item = Shares>, growth_min: f64) -> Option<Shares> {
    let grown = shares.filter(|(_, now, before)| now - before >= growth_min);
    grown.max_by(|a, b| (a.1 - a.2).total_cmp(&(b.1 - b.2)))
}

pub(crate) fn throttled_figure(prepared: &Prepared<'_>, (holder, now, before): Shares) -> Figure {
    let name = name_of(prepared, holder);
    let what = format!("periods of its processor quota in which {name} had to stop");
    figure(what, 100.0 * now, 100.0 * before, "%")
}

pub(crate) fn pauses_figure(prepared: &Prepared<'_>, (holder, now, before): Shares) -> Figure {
    let name = name_of(prepared, holder);
    let what = format!("time that {name} stood still to collect garbage");
    figure(what, 100.0 * now, 100.0 * before, "%")
}

/// Growth in the unit that suits it, and when the limit is reached.
pub(crate) fn growth_figures(growth: &Growth<'_>) -> Vec<Figure> {
    let (unit, bytes) = binary_unit(growth.bytes_per_s);
    let name = growth.name;
    let mut figures = vec![figure(
        format!("growth of the memory of {name}"),
        growth.bytes_per_s / bytes,
        growth.bytes_per_s_before / bytes,
        &format!("{unit}/s"),
    )];
    if let Some((limit, seconds)) = growth.limit {
        let (unit, bytes) = binary_unit(limit);
        let limit = (10.0 * limit / bytes).round() / 10.0;
        let what = format!("time until the memory of {name} reaches its limit of {limit} {unit}");
        figures.push(figure(what, seconds, None, "s"));
    }
    figures
}

/// The largest unit of which there is one at least, and the bytes that it is.
fn binary_unit(bytes: f64) -> (&'static str, f64) {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let sized = units.map(|(unit, power)| (unit, f64::from(1_u32 << power)));
    let found = sized.into_iter().find(|&(_, size)| bytes.abs() >= size);
    found.unwrap_or(("B", 1.0))
}

/// How often it is at its limit, and how many wait where that grew.
pub(crate) fn limit_figures(found: &AtLimit) -> Vec<Figure> {
    let AtLimit { name, limit, .. } = found;
    let words = found.kind.words();
    let all = match found.kind {
        Kind::Connections | Kind::Threads => "all",
        Kind::Descriptors => "nearly all",
    };
    let mut figures = vec![figure(
        format!("samples with {all} {limit} {words} of {name} in use"),
        100.0 * found.share,
        found.share_before.map(|share| 100.0 * share),
        "%",
    )];
    if let Some((pending, pending_before)) = found.pending
        && pending >= PENDING_MIN
        && pending > pending_before
    {
        let what = format!("calls that wait for one of the {words} of {name}, mean");
        figures.push(figure(what, pending, pending_before, ""));
    }
    figures
}
