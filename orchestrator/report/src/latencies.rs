//! How long requests took, as figures and as shares of equal steps of a logarithmic scale.

use serde::{Deserialize, Serialize};

/// Steps of the distribution.
const BUCKETS: usize = 36;

/// Durations below this are counted as of it, so that the scale has a beginning.
const SHORTEST_MS: f64 = 0.001;

/// Durations of both populations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latencies {
    /// Requests of the window.
    pub now: Requests,
    /// Requests of the baseline.
    pub before: Requests,
    /// Shares by duration, shortest first; empty without requests.
    pub buckets: Vec<LatencyBucket>,
}

/// Some requests in figures. Durations are those of the requests that succeeded, or of all where
/// none did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Requests {
    /// How many were looked at, evenly spread where there are very many.
    pub looked_at: u64,
    /// How many of these failed.
    pub failed: u64,
    /// Half of the requests took no longer, in milliseconds.
    pub p50_ms: f64,
    /// 95 of 100 requests took no longer, in milliseconds.
    pub p95_ms: f64,
    /// 99 of 100 requests took no longer, in milliseconds.
    pub p99_ms: f64,
    /// The longest, in milliseconds.
    pub longest_ms: f64,
}

/// One step of the scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LatencyBucket {
    /// From this duration on, in milliseconds.
    pub from_ms: f64,
    /// Up to this one.
    pub to_ms: f64,
    /// Share of the window's requests, 0 to 1.
    pub now: f64,
    /// Share of the baseline's requests, 0 to 1.
    pub before: f64,
}

impl Latencies {
    /// Works them out of the durations in milliseconds of requests, each with whether it failed.
    pub fn new(now: &[(f64, bool)], before: &[(f64, bool)]) -> Self {
        let (now_ms, before_ms) = (timed(now), timed(before));
        Latencies {
            now: requests(now, &now_ms),
            before: requests(before, &before_ms),
            buckets: buckets(&now_ms, &before_ms),
        }
    }
}

/// Durations that count, shortest first.
fn timed(requests: &[(f64, bool)]) -> Vec<f64> {
    let of = |failed: bool| {
        let some = requests.iter().filter(move |one| failed || !one.1);
        some.map(|one| one.0.max(SHORTEST_MS))
    };
    let mut durations: Vec<f64> = of(false).collect();
    if durations.is_empty() {
        durations = of(true).collect();
    }
    durations.sort_by(f64::total_cmp);
    durations
}

fn requests(all: &[(f64, bool)], sorted_ms: &[f64]) -> Requests {
    // The least duration that this share of the requests does not exceed.
    let quantile = |share: f64| {
        let rank = (share * sorted_ms.len() as f64).ceil() as usize;
        let at = rank.max(1).min(sorted_ms.len());
        at.checked_sub(1).map_or(0.0, |at| sorted_ms[at])
    };
    Requests {
        looked_at: all.len() as u64,
        failed: all.iter().filter(|one| one.1).count() as u64,
        p50_ms: quantile(0.5),
        p95_ms: quantile(0.95),
        p99_ms: quantile(0.99),
        longest_ms: quantile(1.0),
    }
}

fn buckets(now: &[f64], before: &[f64]) -> Vec<LatencyBucket> {
    let ends = |of: fn(&[f64]) -> Option<&f64>| [of(now), of(before)].into_iter().flatten();
    let shortest = ends(|all| all.first())
        .copied()
        .fold(f64::INFINITY, f64::min);
    let longest = ends(|all| all.last()).copied().fold(0.0, f64::max);
    if shortest > longest {
        return Vec::new();
    }
    // Durations that are all alike still need a scale of some width.
    let longest = longest.max(shortest * 2.0);
    let step = (longest / shortest).ln() / BUCKETS as f64;
    let edge = |at: usize| shortest * (step * at as f64).exp();
    let shares = |durations: &[f64]| {
        let mut counts = [0_u64; BUCKETS];
        for duration in durations {
            let at = ((duration / shortest).ln() / step) as usize;
            counts[at.min(BUCKETS - 1)] += 1;
        }
        counts.map(|count| count as f64 / durations.len().max(1) as f64)
    };
    let (now, before) = (shares(now), shares(before));
    (0..BUCKETS)
        .map(|at| LatencyBucket {
            from_ms: edge(at),
            to_ms: edge(at + 1),
            now: now[at],
            before: before[at],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn succeeded(durations: impl Iterator<Item = f64>) -> Vec<(f64, bool)> {
        durations.map(|ms| (ms, false)).collect()
    }

    #[test]
    fn quantiles_are_durations_that_occurred() {
        let all = succeeded((1..=100).map(f64::from));
        let found = Latencies::new(&all, &[]).now;
        assert_eq!(
            [found.p50_ms, found.p95_ms, found.p99_ms, found.longest_ms],
            [50.0, 95.0, 99.0, 100.0]
        );
        assert_eq!((found.looked_at, found.failed), (100, 0));
    }

    #[test]
    fn failing_requests_count_but_do_not_time() {
        let mut all = succeeded([10.0, 20.0].into_iter());
        all.push((9_000.0, true));
        let found = Latencies::new(&all, &[]).now;
        assert_eq!((found.looked_at, found.failed), (3, 1));
        assert_eq!(found.longest_ms, 20.0);
        let failed = Latencies::new(&[(7.0, true)], &[]).now;
        assert_eq!(
            failed.p50_ms, 7.0,
            "where all fail their durations are told"
        );
    }

    #[test]
    fn the_shares_of_each_population_sum_to_all_of_it() {
        let now = succeeded((0..500).map(|at| 3.0 + f64::from(at % 97)));
        let before = succeeded((0..70).map(|at| 0.5 * f64::from(at % 13)));
        let buckets = Latencies::new(&now, &before).buckets;
        let sum = |of: fn(&LatencyBucket) -> f64| buckets.iter().map(of).sum::<f64>();
        assert!((sum(|one| one.now) - 1.0).abs() < 1e-9);
        assert!((sum(|one| one.before) - 1.0).abs() < 1e-9);
        assert!(buckets.windows(2).all(|two| two[0].to_ms == two[1].from_ms));
        let last = buckets.last().expect("a last step");
        assert!((last.to_ms - 99.0).abs() < 1e-6, "{}", last.to_ms);
    }

    #[test]
    fn requests_that_all_take_alike_have_a_scale_and_none_have_none() {
        let same = succeeded([5.0, 5.0].into_iter());
        let buckets = Latencies::new(&same, &same).buckets;
        assert_eq!((buckets[0].now, buckets[0].before), (1.0, 1.0));
        assert!(Latencies::new(&[], &[]).buckets.is_empty());
    }
}
