//! Whether users could feel that a phase differs from its baseline.
//!
//! Each phase is cut into windows of equal length, and an indicator is the mean of its values in
//! the windows. Neighbouring requests share a queue, so windows are what is resampled, not
//! requests. An indicator moved if the bootstrap interval of the difference leaves out zero and
//! the difference is large enough to matter.

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::experiment::Phase;
use crate::record::{Indicator, IndicatorChange};
use crate::stats::{Requests, latencies_ms, mean, quantile};

/// Requests below which a phase says nothing.
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

const ALL: [Indicator; 5] = [
    Indicator::P50Ms,
    Indicator::P95Ms,
    Indicator::ErrorRate,
    Indicator::ThroughputPerS,
    Indicator::Recall,
];

/// How each indicator of `phase` differs from that of `baseline`. Empty where either has fewer
/// than [`REQUESTS_MIN`] requests. Throughput is left out where the two phases were not offered
/// the same load.
pub(crate) fn changes(
    phase: &Phase,
    baseline: &Phase,
    requests: &Requests<'_>,
    seed: u64,
) -> Vec<IndicatorChange> {
    let counts = [phase, baseline].map(|phase| {
        let due = requests.due(phase.counted_from_us(), phase.end_us());
        due.len() as u64
    });
    let fewest = counts[0].min(counts[1]);
    if fewest < REQUESTS_MIN {
        return Vec::new();
    }
    let windows = (fewest / REQUESTS_PER_WINDOW).clamp(WINDOWS_MIN, WINDOWS_MAX);
    let same_load = same_load(phase, baseline, counts);
    let indicators = ALL
        .into_iter()
        .filter(|indicator| same_load || *indicator != Indicator::ThroughputPerS);
    indicators
        .filter_map(|indicator| {
            let now = window_values(indicator, phase, requests, windows);
            let before = window_values(indicator, baseline, requests, windows);
            compare(indicator, &now, &before, seed)
        })
        .collect()
}

/// Whether both phases were offered the same load, so that their throughputs can be compared. A
/// closed loop offers less when it is answered late: there the throughput tells.
fn same_load(phase: &Phase, baseline: &Phase, counts: [u64; 2]) -> bool {
    let closed = phase.arrivals.users.is_some();
    let rates = [
        counts[0] as f64 / phase.counted_s(),
        counts[1] as f64 / baseline.counted_s(),
    ];
    let close = (rates[0] - rates[1]).abs() <= FELT_RELATIVE * rates[1];
    phase.arrivals == baseline.arrivals && (closed || close)
}

/// The indicator's value in each window that has one.
fn window_values(
    indicator: Indicator,
    phase: &Phase,
    requests: &Requests<'_>,
    windows: u64,
) -> Vec<f64> {
    let (start, end) = (phase.counted_from_us(), phase.end_us());
    let edge = |number: u64| start + (end - start) * number / windows;
    let value = |number| {
        let (from_us, to_us) = (edge(number), edge(number + 1));
        let due = requests.due(from_us, to_us);
        match indicator {
            Indicator::ThroughputPerS => {
                let seconds = (to_us - from_us) as f64 / 1e6;
                Some(requests.answered(from_us, to_us) as f64 / seconds)
            }
            _ if due.is_empty() => None,
            Indicator::P50Ms => Some(quantile(&latencies_ms(due), 0.5)),
            Indicator::P95Ms => Some(quantile(&latencies_ms(due), 0.95)),
            Indicator::ErrorRate => mean(due.iter().map(|request| f64::from(!request.ok()))),
            Indicator::Recall => mean(due.iter().filter_map(|request| request.recall)),
        }
    };
    (0..windows).filter_map(value).collect()
}

fn compare(
    indicator: Indicator,
    now: &[f64],
    before: &[f64],
    seed: u64,
) -> Option<IndicatorChange> {
    let value = mean(now.iter().copied())?;
    let baseline = mean(before.iter().copied())?;
    let difference = value - baseline;
    let (low, high) = interval(now, before, seed.wrapping_add(indicator as u64));
    let felt = match indicator {
        Indicator::P50Ms | Indicator::P95Ms | Indicator::ThroughputPerS => FELT_RELATIVE * baseline,
        Indicator::ErrorRate => FELT_ERROR_RATE,
        Indicator::Recall => FELT_RECALL,
    };
    Some(IndicatorChange {
        indicator,
        baseline,
        value,
        difference_low: low,
        difference_high: high,
        moved: (low > 0.0 || high < 0.0) && difference.abs() >= felt,
    })
}

/// Bootstrap interval of the difference of two means. The spread is widened by the factor by
/// which resampling a few values underestimates it.
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
    let windows = now.len().min(before.len()) as f64;
    let widen = (windows / (windows - 1.0).max(1.0)).sqrt();
    let middle = quantile(&differences, 0.5);
    let edge = |q| middle + (quantile(&differences, q) - middle) * widen;
    (edge(FALSE_ALARM / 2.0), edge(1.0 - FALSE_ALARM / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurements::RequestOutcome;
    use crate::testing::{phase, poisson_load, request};

    /// Two phases of a minute at 20 requests a second; the second's requests are changed.
    fn compared(seed: u64, change: impl Fn(&mut RequestOutcome)) -> Vec<IndicatorChange> {
        let (steady, slow) = (phase("steady", 0.0, 60.0), phase("slow", 60.0, 60.0));
        let mut requests = poisson_load(seed, 20.0, 120.0);
        let in_slow = requests
            .iter_mut()
            .filter(|request| request.intended_us >= 60_000_000);
        in_slow.for_each(change);
        changes(&slow, &steady, &Requests::new(&requests), seed)
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
        let changes = changes(&slow, &steady, &Requests::new(&requests), 1);
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
        let changes = changes(&burst, &steady, &Requests::new(&requests), 1);
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
        assert_eq!(changes(&slow, &steady, &Requests::new(&requests), 1), []);
    }
}
