//! Memory that grows, and memory that is full.

use std::collections::BTreeMap;

use ragdoll_trace::{MetricPoint, Symbol};

use crate::facts::metric_index::Holder;
use crate::facts::names::limits::{MEMORY, MemoryMeasure};
use crate::facts::names::metrics::{
    CONTAINER, LIMIT_RESOURCE, METRIC_RESTARTS, METRIC_START, METRIC_UPTIME, NO_CONTAINER,
};
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::comparison::Comparison;
use crate::questions::signs::log_lines::is_restart;
use crate::questions::signs::samples::{increase, name_of, points, said};
use crate::statistics::slope::{Sample, Slope};

/// Rise from the first samples to the last below which growth is of no account, as a share of the first.
const RISE_MIN: f64 = 0.1;

/// How many times the baseline's growth counts as more.
const TIMES_MIN: f64 = 2.0;

/// Share of what a process held that a fall leaves at most where it began anew.
const FALL_LEAVES: f64 = 0.5;

/// Share of its limit at which memory is full.
const FULL_SHARE: f64 = 0.98;

/// How many times the least that it ever was a process that began anew holds at most.
const NEW_LIFE_MAX: f64 = 1.25;

/// Memory of a process or pod that grows steadily, and grew less in the baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Growth<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes_per_s: f64,
    pub(crate) bytes_per_s_before: f64,
    /// The limit, and in how many seconds it is reached if nothing changes; where there is one ahead.
    pub(crate) limit: Option<(f64, f64)>,
}

/// How memory of `holder` grows, by the most telling measure that has samples in both windows.
pub(crate) fn growth<'a>(compared: &Comparison<'a>, holder: Holder) -> Option<Growth<'a>> {
    let Comparison {
        prepared,
        window: now,
        baseline: before,
        ..
    } = *compared;
    MEMORY
        .iter()
        .find_map(|measure| {
            let (levels, levels_before) = (
                levels(prepared, holder, measure, now),
                levels(prepared, holder, measure, before),
            );
            let slope_of = |levels: &[Sample], window: &Window| {
                let restarts = restarts(prepared, holder, window);
                let limit = limit(prepared, holder, measure, window);
                let lives = lives(levels, restarts.as_deref(), measure.is_collected);
                let until_full = lives.into_iter().map(|life| until_full(life, limit));
                Slope::of(&until_full.collect::<Vec<_>>())
            };
            let slope = slope_of(&levels, now)?;
            let slope_before = slope_of(&levels_before, before)?;
            Some((measure, levels, slope, slope_before))
        })
        .filter(|(_, _, slope, slope_before)| {
            let is_much = slope.rise >= RISE_MIN * slope.from;
            slope.grows && is_much && slope.per_s >= TIMES_MIN * slope_before.per_s.max(0.0)
        })
        .map(|(measure, levels, slope, slope_before)| {
            let level = levels.last().map_or(0.0, |sample| sample.1);
            let limit = limit(prepared, holder, measure, now).filter(|&limit| limit > level);
            Growth {
                name: name_of(prepared, holder),
                bytes_per_s: slope.per_s,
                bytes_per_s_before: slope_before.per_s,
                limit: limit.map(|limit| (limit, (limit - level) / slope.per_s)),
            }
        })
}

/// Highest share of its limit that `holder` has in use, where memory is not merely what a collector has
/// not looked at yet.
pub(crate) fn peak_share(prepared: &Prepared<'_>, holder: Holder, window: &Window) -> Option<f64> {
    let measures = MEMORY.iter().filter(|measure| !measure.is_collected);
    let shares = measures.filter_map(|measure| {
        let levels = levels(prepared, holder, measure, window);
        let most = levels.into_iter().map(|level| level.1).reduce(f64::max)?;
        Some(most / limit(prepared, holder, measure, window)?)
    });
    shares.reduce(f64::max)
}

/// Bytes in use by seconds since the window's start. Samples of one moment are of parts, and are summed.
fn levels(
    prepared: &Prepared<'_>,
    holder: Holder,
    measure: &MemoryMeasure,
    window: &Window,
) -> Vec<Sample> {
    let mut levels: Vec<Sample> = Vec::new();
    let mut last_ns = None;
    for point in parts(prepared, holder, measure.used, measure, window) {
        match levels.last_mut() {
            Some(level) if last_ns == Some(point.time_ns) => level.1 += point.value,
            _ => levels.push(((point.time_ns - window.start_ns) as f64 / 1e9, point.value)),
        }
        last_ns = Some(point.time_ns);
    }
    levels
}

/// Bytes that may be in use: the largest sum of one moment. None where nothing, or nothing above 0, is
/// said to be the limit.
fn limit(
    prepared: &Prepared<'_>,
    holder: Holder,
    measure: &MemoryMeasure,
    window: &Window,
) -> Option<f64> {
    measure.limits.iter().find_map(|name| {
        let mut sums: BTreeMap<u64, f64> = BTreeMap::new();
        for point in parts(prepared, holder, name, measure, window) {
            let (key, wanted) = LIMIT_RESOURCE;
            let is_memory = said(prepared, point, key).is_none_or(|it| is(prepared, it, wanted));
            if is_memory && point.value > 0.0 {
                *sums.entry(point.time_ns).or_default() += point.value;
            }
        }
        sums.into_values().reduce(f64::max)
    })
}

fn is(prepared: &Prepared<'_>, text: Symbol, wanted: &str) -> bool {
    prepared.observations.traces.text(text) == wanted
}

/// Samples of the part that is measured. Where some are of containers, those of the whole pod are not.
fn parts<'a>(
    prepared: &'a Prepared<'_>,
    holder: Holder,
    name: &str,
    measure: &MemoryMeasure,
    window: &Window,
) -> Vec<&'a MetricPoint> {
    let container = |point: &MetricPoint| {
        let found = said(prepared, point, CONTAINER);
        found.filter(|&container| {
            !NO_CONTAINER
                .iter()
                .any(|none| is(prepared, container, none))
        })
    };
    let all = points(prepared, holder, name, window);
    let mut parts: Vec<_> = all
        .filter(|point| is_of_part(prepared, point, measure))
        .collect();
    if parts.iter().any(|point| container(point).is_some()) {
        parts.retain(|point| container(point).is_some());
    }
    parts
}

fn is_of_part(prepared: &Prepared<'_>, point: &MetricPoint, measure: &MemoryMeasure) -> bool {
    let Some((keys, wanted)) = measure.part else {
        return true;
    };
    let part = keys.iter().find_map(|key| said(prepared, point, key));
    part.is_none_or(|part| is(prepared, part, wanted))
}

/// Cuts samples where the process began anew: at `restarts`, seconds since the window's start, or, where
/// nobody says when it did, where memory falls to less than half of what it was just now, and to about the
/// least that it ever was. A collector's fall is no such cut. A process that holds nothing is down.
fn lives<'s>(
    levels: &'s [Sample],
    restarts: Option<&[f64]>,
    is_collected: bool,
) -> Vec<&'s [Sample]> {
    let held = levels
        .iter()
        .map(|level| level.1)
        .filter(|&bytes| bytes > 0.0);
    let least = held.fold(f64::INFINITY, f64::min);
    let is_cut = |&(from_s, from): &Sample, &(to_s, to): &Sample| match restarts {
        _ if from <= 0.0 || to <= 0.0 => true,
        Some(restarts) => restarts.iter().any(|&when| from_s < when && when <= to_s),
        None => !is_collected && to < FALL_LEAVES * from && to <= NEW_LIFE_MAX * least,
    };
    let lives = levels.chunk_by(|from, to| !is_cut(from, to));
    let up = lives.filter(|life| life[0].1 > 0.0);
    // A life that is taken to begin since memory is low there would seem to grow from it.
    let unsaid = usize::from(restarts.is_none());
    up.enumerate()
        .map(|(at, life)| if at == 0 { life } else { &life[unsaid..] })
        .collect()
}

/// The samples of a life up to the first at its limit: there is nowhere to grow to from there.
fn until_full(life: &[Sample], limit: Option<f64>) -> &[Sample] {
    let full = limit.map_or(f64::INFINITY, |limit| FULL_SHARE * limit);
    let end = life.iter().position(|level| level.1 >= full);
    &life[..end.map_or(life.len(), |at| at + 1)]
}

/// When the process began anew, in seconds since the window's start; none where nothing would say so.
fn restarts(prepared: &Prepared<'_>, holder: Holder, window: &Window) -> Option<Vec<f64>> {
    let since_start = |time_ns: u64| (time_ns - window.start_ns) as f64 / 1e9;
    let mut found = Vec::new();
    let mut is_known = false;
    if let Holder::Instance(instance) = holder {
        let lines = prepared
            .log_index
            .within(prepared.observations, instance, window);
        found.extend(
            lines
                .filter(|log| is_restart(prepared, log))
                .map(|log| since_start(log.time_ns)),
        );
    }
    let mut changes = |name: &str, is_restart: fn(f64, f64) -> bool| {
        let samples: Vec<_> = points(prepared, holder, name, window).collect();
        is_known |= !samples.is_empty();
        for pair in samples.windows(2) {
            if is_restart(pair[0].value, pair[1].value) {
                found.push(since_start(pair[1].time_ns));
            }
        }
    };
    for name in METRIC_UPTIME {
        changes(name, |before, after| after < before);
    }
    changes(METRIC_START, |before, after| after > before);
    for name in METRIC_RESTARTS {
        changes(name, |before, after| after > before);
    }
    (is_known || !found.is_empty()).then_some(found)
}

/// Restarts that a cluster's agents counted.
pub(crate) fn restarts_counted(prepared: &Prepared<'_>, holder: Holder, window: &Window) -> f64 {
    let counts = METRIC_RESTARTS.iter();
    let counts = counts.filter_map(|name| increase(prepared, holder, name, window));
    counts.fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn minute(value: impl FnMut(u32) -> f64) -> Vec<Sample> {
        let values: Vec<f64> = (0..60).map(value).collect();
        let seconds = (0..60).map(f64::from);
        seconds.zip(values).collect()
    }

    #[test]
    fn lives_are_told_by_who_knows_and_else_by_falls() {
        let teeth = minute(|second| 100.0 + f64::from(10 * (second % 20)));
        let lengths = |lives: Vec<&[Sample]>| lives.into_iter().map(<[Sample]>::len).collect();
        let by_falls: Vec<usize> = lengths(lives(&teeth, None, false));
        assert_eq!(by_falls, [20, 19, 19]);
        let by_restarts: Vec<usize> = lengths(lives(&teeth, Some(&[29.5]), false));
        assert_eq!(by_restarts, [30, 30]);
        let with_an_end: Vec<Sample> = [100.0, 200.0, 0.0, 0.0, 110.0]
            .map(|held| (0.0, held))
            .into();
        let up: Vec<usize> = lengths(lives(&with_an_end, Some(&[]), false));
        assert_eq!(up, [2, 1]);
        assert_eq!(until_full(&teeth[..20], Some(200.0)).len(), 11);
        let of_a_heap: Vec<usize> = lengths(lives(&teeth, None, true));
        assert_eq!(of_a_heap, [60]);
    }

    #[test]
    fn cuts_make_no_growth_of_noise() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_260_102);
        let grows = (0..4000)
            .filter(|_| {
                let noise = minute(|_| 100.0 + 900.0 * rng.random::<f64>());
                Slope::of(&lives(&noise, None, false)).is_some_and(|slope| slope.grows)
            })
            .count();
        assert!(grows <= 8, "{grows} of 4000");
    }
}
