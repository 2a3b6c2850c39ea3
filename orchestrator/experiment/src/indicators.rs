//! Whether users could feel that a stretch of a run differs from another.
//!
//! Each stretch is cut into windows of equal length, and an indicator is the mean of its values in
//! the windows. Neighbouring requests share a queue, so windows are what is resampled, not
//! requests. An indicator moved if the bootstrap interval of the difference leaves out zero and
//! the difference is large enough to matter.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::experiment::Phase;
use crate::indicator::{Indicator, IndicatorChange};
use crate::stats::{Requests, latencies_ms, mean, quantile};
use crate::stretch::Stretch;

/// Requests below which a stretch says nothing.
pub(crate) const REQUESTS_MIN: u64 = 100;

/// Requests that a window holds on average, where there are enough for several windows.
const REQUESTS_PER_WINDOW: u64 = 20;

const WINDOWS_MIN: u64 = 8;
const WINDOWS_MAX: u64 = 30;

/// Resamples of the bootstrap.
const RESAMPLES: usize = 4000;

/// Probability that noise moves one indicator, both sides together. Five are looked at, so that
/// noise moves any of them in about one comparison of a hundred.
const FALSE_ALARM: f64 = 0.002;

/// Change of a latency or a throughput that can be felt, relative to the baseline.
const FELT_RELATIVE: f64 = 0.05;

/// Change of an error rate that can be felt: one request in two hundred.
const FELT_ERROR_RATE: f64 = 0.005;

/// Change of recall that can be felt.
const FELT_RECALL: f64 = 0.01;

/// What users feel: that an ordinary request is slower, that a slow one is, that requests fail, that
/// fewer are answered, that answers are worse. The 99th percentile is left out: of the twenty
/// requests of a window it is the slowest one, which says less than p95 and is noisier, and each
/// further indicator costs the others certainty.
const ALL: [Indicator; 5] = [
    Indicator::P50Ms,
    Indicator::P95Ms,
    Indicator::ErrorRate,
    Indicator::ThroughputPerS,
    Indicator::Recall,
];

/// How each indicator of `stretch`, which lies in `phase`, differs from that of `baseline`. Empty
/// where either has fewer than [`REQUESTS_MIN`] requests. Throughput is left out where the two were
/// not offered the same load.
pub(crate) fn changes(
    phase: &Phase,
    stretch: &Stretch,
    baseline: &Phase,
    requests: &Requests<'_>,
    seed: u64,
) -> Vec<IndicatorChange> {
    let counted = Stretch::counted(baseline);
    let counts = [stretch, &counted].map(|stretch| stretch.due(requests).len() as u64);
    let Some(windows) = windows(counts) else {
        return Vec::new();
    };
    let rates = [
        counts[0] as f64 / stretch.length_s(),
        counts[1] as f64 / counted.length_s(),
    ];
    let same_load = same_load(phase, baseline, rates);
    let (now, before) = (stretch.cut(windows), counted.cut(windows));
    let indicators = ALL
        .into_iter()
        .filter(|indicator| same_load || *indicator != Indicator::ThroughputPerS);
    indicators
        .filter_map(|indicator| {
            let values = |parts: &[Stretch]| -> Vec<f64> {
                let parts = parts.iter();
                parts
                    .filter_map(|part| value(indicator, part, requests))
                    .collect()
            };
            let (now, before) = (values(&now), values(&before));
            let means = (mean(before.iter().copied())?, mean(now.iter().copied())?);
            let interval = interval(&now, &before, seed.wrapping_add(indicator as u64));
            Some(change(indicator, means, interval))
        })
        .collect()
}

/// How each indicator of `stretch` in the run `now` differs from that of the same stretch in the
/// run `before`, of the same seed. Window is compared with window, so that what both runs share,
/// such as a burst of requests, is no noise. Empty where either has fewer than [`REQUESTS_MIN`]
/// requests.
pub(crate) fn paired_changes(
    stretch: &Stretch,
    now: &Requests<'_>,
    before: &Requests<'_>,
    seed: u64,
) -> Vec<IndicatorChange> {
    let counts = [now, before].map(|requests| stretch.due(requests).len() as u64);
    let Some(windows) = windows(counts) else {
        return Vec::new();
    };
    let parts = stretch.cut(windows);
    ALL.into_iter()
        .filter_map(|indicator| {
            let pair = |part: &Stretch| {
                Some((
                    value(indicator, part, before)?,
                    value(indicator, part, now)?,
                ))
            };
            let pairs: Vec<(f64, f64)> = parts.iter().filter_map(pair).collect();
            let means = (
                mean(pairs.iter().map(|(before, _)| *before))?,
                mean(pairs.iter().map(|(_, now)| *now))?,
            );
            let differences: Vec<f64> = pairs.iter().map(|(before, now)| now - before).collect();
            let interval = interval(&differences, &[0.0], seed.wrapping_add(indicator as u64));
            Some(change(indicator, means, interval))
        })
        .collect()
}

/// Into how many windows two stretches with so many requests are cut; `None` where there are too
/// few.
fn windows(counts: [u64; 2]) -> Option<u64> {
    let fewest = counts[0].min(counts[1]);
    let windows = (fewest / REQUESTS_PER_WINDOW).clamp(WINDOWS_MIN, WINDOWS_MAX);
    (fewest >= REQUESTS_MIN).then_some(windows)
}

/// Whether both phases were offered the same load, so that their throughputs can be compared. A
/// closed loop offers less when it is answered late: there the throughput tells.
fn same_load(phase: &Phase, baseline: &Phase, rates: [f64; 2]) -> bool {
    let closed = phase.arrivals.users.is_some();
    let close = (rates[0] - rates[1]).abs() <= FELT_RELATIVE * rates[1];
    phase.arrivals == baseline.arrivals && (closed || close)
}

/// The indicator's value in a window, where it has one.
fn value(indicator: Indicator, window: &Stretch, requests: &Requests<'_>) -> Option<f64> {
    if indicator == Indicator::ThroughputPerS {
        return Some(window.answered(requests) as f64 / window.length_s());
    }
    let due = window.due(requests);
    match indicator {
        _ if due.is_empty() => None,
        Indicator::P50Ms => Some(quantile(&latencies_ms(&due), 0.5)),
        Indicator::P95Ms => Some(quantile(&latencies_ms(&due), 0.95)),
        Indicator::ErrorRate => mean(due.iter().map(|request| f64::from(!request.ok()))),
        Indicator::Recall => mean(due.iter().filter_map(|request| request.recall)),
        Indicator::ThroughputPerS => None,
    }
}

/// `means` are those of before and now.
fn change(
    indicator: Indicator,
    (baseline, value): (f64, f64),
    (low, high): (f64, f64),
) -> IndicatorChange {
    let felt = match indicator {
        Indicator::P50Ms | Indicator::P95Ms | Indicator::ThroughputPerS => FELT_RELATIVE * baseline,
        Indicator::ErrorRate => FELT_ERROR_RATE,
        Indicator::Recall => FELT_RECALL,
    };
    IndicatorChange {
        indicator,
        baseline,
        value,
        difference_low: low,
        difference_high: high,
        moved: (low > 0.0 || high < 0.0) && (value - baseline).abs() >= felt,
    }
}

/// Bootstrap interval of the difference of two means. The spread is widened by the factor by
/// which resampling a few values underestimates it. A single value has no spread.
fn interval(now: &[f64], before: &[f64], seed: u64) -> (f64, f64) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut resampled_mean = |values: &[f64]| {
        let count = u32::try_from(values.len()).expect("few windows");
        let draws = (0..count).map(|_| values[rng.random_range(0..count) as usize]);
        draws.sum::<f64>() / f64::from(count)
    };
    let differences = (0..RESAMPLES).map(|_| resampled_mean(now) - resampled_mean(before));
    let mut differences: Vec<f64> = differences.collect();
    differences.sort_unstable_by(f64::total_cmp);
    let spread = [now.len(), before.len()]
        .into_iter()
        .filter(|count| *count > 1);
    let windows = spread.min().unwrap_or(2) as f64;
    let widen = (windows / (windows - 1.0)).sqrt();
    let middle = quantile(&differences, 0.5);
    let edge = |q| middle + (quantile(&differences, q) - middle) * widen;
    (edge(FALSE_ALARM / 2.0), edge(1.0 - FALSE_ALARM / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurements::RequestOutcome;
    use crate::testing::{phase, poisson_load, request};

    fn whole(
        phase: &Phase,
        baseline: &Phase,
        requests: &[RequestOutcome],
        seed: u64,
    ) -> Vec<IndicatorChange> {
        let counted = Stretch::counted(phase);
        changes(phase, &counted, baseline, &Requests::new(requests), seed)
    }

    /// Two phases of a minute at 20 requests a second; the second's requests are changed.
    fn compared(seed: u64, change: impl Fn(&mut RequestOutcome)) -> Vec<IndicatorChange> {
        let (steady, slow) = (phase("steady", 0.0, 60.0), phase("slow", 60.0, 60.0));
        let mut requests = poisson_load(seed, 20.0, 120.0);
        let in_slow = requests
            .iter_mut()
            .filter(|request| request.intended_us >= 60_000_000);
        in_slow.for_each(change);
        whole(&slow, &steady, &requests, seed)
    }

    fn moved(changes: &[IndicatorChange]) -> Vec<Indicator> {
        let moved = changes.iter().filter(|change| change.moved);
        moved.map(|change| change.indicator).collect()
    }

    #[test]
    fn noise_moves_nothing_in_98_of_100_seeds() {
        let alarms = (0..100).filter(|&seed| !moved(&compared(seed, |_| ())).is_empty());
        assert!(alarms.count() <= 2);
    }

    #[test]
    fn slower_requests_move_the_latencies_and_nothing_else() {
        for seed in 0..20 {
            let changes = compared(seed, |request| request.latency_us += 100_000);
            assert_eq!(
                moved(&changes),
                [Indicator::P50Ms, Indicator::P95Ms],
                "seed {seed}"
            );
        }
    }

    #[test]
    fn a_difference_that_nobody_feels_is_not_moved_however_certain() {
        let (steady, slow) = (phase("steady", 0.0, 60.0), phase("slow", 60.0, 60.0));
        let at = |ms: u64| request(ms * 1000, if ms < 60_000 { 100_000 } else { 101_000 });
        let requests: Vec<RequestOutcome> = (0..120_000).step_by(50).map(at).collect();
        let changes = whole(&slow, &steady, &requests, 1);
        assert_eq!(changes[0].difference_low, 1.0);
        assert_eq!(moved(&changes), []);
    }

    #[test]
    fn failures_move_the_error_rate() {
        let changes = compared(3, |request| {
            if request.intended_us % 10 == 0 {
                request.error = Some("UNAVAILABLE".to_owned());
            }
        });
        assert!(moved(&changes).contains(&Indicator::ErrorRate));
    }

    #[test]
    fn lost_shards_move_recall() {
        let changes = compared(4, |request| request.recall = Some(0.7));
        assert_eq!(moved(&changes), [Indicator::Recall]);
    }

    #[test]
    fn throughput_is_not_compared_across_different_loads() {
        let (steady, mut burst) = (phase("steady", 0.0, 60.0), phase("burst", 60.0, 60.0));
        burst.arrivals.poisson_per_s = Some(40.0);
        let requests = poisson_load(1, 20.0, 120.0);
        let changes = whole(&burst, &steady, &requests, 1);
        assert!(
            changes
                .iter()
                .all(|change| change.indicator != Indicator::ThroughputPerS)
        );
    }

    #[test]
    fn too_few_requests_say_nothing() {
        let (steady, slow) = (phase("steady", 0.0, 4.0), phase("slow", 4.0, 4.0));
        let requests = poisson_load(1, 20.0, 8.0);
        assert_eq!(whole(&slow, &steady, &requests, 1), []);
    }

    /// A tenth of the phase is slow: it shows where one looks, and drowns in the whole phase's p50.
    #[test]
    fn what_is_short_is_judged_while_it_lasts() {
        let (steady, slow) = (phase("steady", 0.0, 60.0), phase("slow", 60.0, 60.0));
        let mut requests = poisson_load(5, 20.0, 120.0);
        for request in &mut requests {
            if (80_000_000..86_000_000).contains(&request.intended_us) {
                request.latency_us += 60_000;
            }
        }
        let mut fault = ragdoll_fault_spec::FaultSpec::new(
            "latency",
            ragdoll_fault_spec::Target::service(ragdoll_model::Service::LLM),
            serde_json::json!({}),
        );
        (fault.at_s, fault.for_s) = (20.0, Some(6.0));
        let short = Stretch::in_force(&fault, &slow);
        let found = changes(&slow, &short, &steady, &Requests::new(&requests), 5);
        assert_eq!(moved(&found), [Indicator::P50Ms, Indicator::P95Ms]);
        assert_eq!(moved(&whole(&slow, &steady, &requests, 5)), []);
    }

    /// What both runs have in common is no noise, however much it varies.
    #[test]
    fn runs_of_the_same_seed_are_compared_window_by_window() {
        let slow = Stretch::counted(&phase("slow", 0.0, 60.0));
        let without = poisson_load(6, 20.0, 60.0);
        let compared = |with: &[RequestOutcome]| {
            paired_changes(&slow, &Requests::new(with), &Requests::new(&without), 6)
        };
        let same = compared(&without);
        assert_eq!(moved(&same), []);
        assert!(same.iter().all(|change| change.difference_high == 0.0));
        let mut with = without.clone();
        with.iter_mut()
            .for_each(|request| request.latency_us += 8_000);
        let found = compared(&with);
        assert_eq!(moved(&found), [Indicator::P50Ms]);
        assert!((found[0].difference_low - 8.0).abs() < 1e-9, "{found:?}");
    }
}
