//! From requests to the figures of a phase.

use std::collections::BTreeMap;

use crate::experiment::Phase;
use crate::measurements::{RequestOutcome, UtilizationSample};
use crate::record::{PhaseStats, TimelinePoint};

/// Points of a timeline at most.
const TIMELINE_MAX: u64 = 600;

/// Requests in the order in which they were due, and the times at which they were answered.
#[derive(Clone, Debug)]
pub(crate) struct Requests<'r> {
    due: Vec<&'r RequestOutcome>,
    answered_us: Vec<u64>,
}

impl<'r> Requests<'r> {
    pub(crate) fn new(requests: &'r [RequestOutcome]) -> Self {
        let mut due: Vec<&RequestOutcome> = requests.iter().collect();
        due.sort_by_key(|request| (request.intended_us, request.latency_us));
        let answered = requests.iter().filter(|request| request.ok());
        let mut answered_us: Vec<u64> = answered.map(RequestOutcome::ended_us).collect();
        answered_us.sort_unstable();
        Requests { due, answered_us }
    }

    /// Those that were due from `from_us` up to but not including `to_us`.
    pub(crate) fn due(&self, from_us: u64, to_us: u64) -> &[&'r RequestOutcome] {
        let start = self
            .due
            .partition_point(|request| request.intended_us < from_us);
        let end = self
            .due
            .partition_point(|request| request.intended_us < to_us);
        &self.due[start..end.max(start)]
    }

    /// Successful answers that arrived from `from_us` up to but not including `to_us`.
    pub(crate) fn answered(&self, from_us: u64, to_us: u64) -> u64 {
        let before = |us: u64| self.answered_us.partition_point(|&ended| ended < us) as u64;
        before(to_us).saturating_sub(before(from_us))
    }
}

/// The value that a share `q` of the sorted values stays within; 0 where there are none.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0)
}

/// The values between which the quantile `q` of what the sorted values are drawn from lies, at about
/// 95 %, whatever its distribution: how many values are below it is binomial, and the ranks two
/// standard deviations around the expected one are looked up (Conover, Practical Nonparametric
/// Statistics, section 3.2).
pub(crate) fn quantile_range(sorted: &[f64], q: f64) -> [f64; 2] {
    let either_side = 2.0 * (q * (1.0 - q) / sorted.len().max(1) as f64).sqrt();
    [q - either_side, q + either_side].map(|rank| quantile(sorted, rank.clamp(0.0, 1.0)))
}

/// Latencies in milliseconds, sorted.
pub(crate) fn latencies_ms(requests: &[&RequestOutcome]) -> Vec<f64> {
    let mut latencies: Vec<u64> = requests.iter().map(|request| request.latency_us).collect();
    latencies.sort_unstable();
    latencies.into_iter().map(|us| us as f64 / 1000.0).collect()
}

/// The mean; `None` of nothing.
pub(crate) fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values
        .into_iter()
        .fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// The figures of a phase, its time to settle left out.
pub(crate) fn phase_stats(phase: &Phase, requests: &Requests<'_>) -> PhaseStats {
    let (from_us, to_us) = (phase.counted_from_us(), phase.end_us());
    let due = requests.due(from_us, to_us);
    let latencies = latencies_ms(due);
    let mut errors: BTreeMap<String, u64> = BTreeMap::new();
    for error in due.iter().filter_map(|request| request.error.as_ref()) {
        *errors.entry(error.clone()).or_default() += 1;
    }
    let failed: u64 = errors.values().sum();
    let count = due.len() as u64;
    PhaseStats {
        requests: count,
        succeeded: count - failed,
        failed,
        offered_per_s: count as f64 / phase.counted_s(),
        throughput_per_s: requests.answered(from_us, to_us) as f64 / phase.counted_s(),
        error_rate: if count == 0 {
            0.0
        } else {
            failed as f64 / count as f64
        },
        mean_ms: mean(latencies.iter().copied()).unwrap_or(0.0),
        p50_ms: quantile(&latencies, 0.5),
        p95_ms: quantile(&latencies, 0.95),
        p99_ms: quantile(&latencies, 0.99),
        max_ms: quantile(&latencies, 1.0),
        p50_range_ms: quantile_range(&latencies, 0.5),
        p95_range_ms: quantile_range(&latencies, 0.95),
        recall: mean(due.iter().filter_map(|request| request.recall)),
        precision: mean(due.iter().filter_map(|request| request.precision)),
        errors,
    }
}

/// Requests and latencies over the whole phase.
pub(crate) fn timeline(phase: &Phase, requests: &Requests<'_>) -> Vec<TimelinePoint> {
    let (start_us, end_us) = (phase.start_us(), phase.end_us());
    let seconds = (end_us - start_us).div_ceil(1_000_000);
    let step_us = seconds.div_ceil(TIMELINE_MAX).max(1) * 1_000_000;
    let mut points = Vec::new();
    let mut from_us = start_us;
    while from_us < end_us {
        let to_us = (from_us + step_us).min(end_us);
        let due = requests.due(from_us, to_us);
        let latencies = latencies_ms(due);
        points.push(TimelinePoint {
            t_s: from_us as f64 / 1e6,
            requests: due.len() as u64,
            errors: due.iter().filter(|request| !request.ok()).count() as u64,
            p50_ms: quantile(&latencies, 0.5),
            p95_ms: quantile(&latencies, 0.95),
        });
        from_us = to_us;
    }
    points
}

/// Mean of the busy gauge in a phase by `service.name`, its time to settle left out.
pub(crate) fn utilization(phase: &Phase, samples: &[UtilizationSample]) -> BTreeMap<String, f64> {
    let counted = phase.counted_from_us()..phase.end_us();
    let mut by_service: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for sample in samples
        .iter()
        .filter(|sample| counted.contains(&sample.at_us))
    {
        by_service
            .entry(&sample.service)
            .or_default()
            .push(sample.value);
    }
    by_service
        .into_iter()
        .filter_map(|(service, values)| Some((service.to_owned(), mean(values)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{phase, request};

    #[test]
    fn the_time_to_settle_and_other_phases_do_not_count() {
        let mut phase = phase("slow", 10.0, 10.0);
        phase.settle_s = 2.0;
        let times = [9_999_999, 11_999_999, 12_000_000, 19_999_999, 20_000_000];
        let requests: Vec<_> = times.map(|at_us| request(at_us, 1000)).into();
        let stats = phase_stats(&phase, &Requests::new(&requests));
        assert_eq!(stats.requests, 2);
        assert_eq!(stats.offered_per_s, 0.25);
    }

    #[test]
    fn throughput_counts_answers_that_arrive_in_the_phase() {
        let phase = phase("slow", 10.0, 10.0);
        let late = request(19_500_000, 1_000_000);
        let from_before = request(9_500_000, 1_000_000);
        let mut failed = request(12_000_000, 1000);
        failed.error = Some("UNAVAILABLE".to_owned());
        let requests = [late, from_before, failed];
        let stats = phase_stats(&phase, &Requests::new(&requests));
        assert_eq!((stats.requests, stats.succeeded, stats.failed), (2, 1, 1));
        assert_eq!(
            stats.throughput_per_s, 0.1,
            "only the one from before arrives"
        );
        assert_eq!(stats.error_rate, 0.5);
        assert_eq!(stats.errors["UNAVAILABLE"], 1);
    }

    #[test]
    fn quantiles_are_values_that_occurred() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(quantile(&sorted, 0.5), 50.0);
        assert_eq!(quantile(&sorted, 0.95), 95.0);
        assert_eq!(quantile(&sorted, 0.99), 99.0);
        assert_eq!(quantile(&sorted, 1.0), 100.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    #[test]
    fn a_range_of_a_quantile_is_narrow_of_many_and_everything_of_few() {
        let sorted: Vec<f64> = (1..=10_000).map(f64::from).collect();
        assert_eq!(quantile_range(&sorted, 0.5), [4900.0, 5100.0]);
        assert_eq!(quantile_range(&sorted, 0.95), [9457.0, 9544.0]);
        assert_eq!(quantile_range(&sorted[..4], 0.95), [3.0, 4.0]);
        assert_eq!(quantile_range(&[7.0], 0.5), [7.0, 7.0]);
        assert_eq!(quantile_range(&[], 0.5), [0.0, 0.0]);
    }

    #[test]
    fn a_phase_without_requests_has_no_recall_and_no_errors() {
        let stats = phase_stats(&phase("idle", 0.0, 10.0), &Requests::new(&[]));
        assert_eq!(stats, PhaseStats::default());
    }

    #[test]
    fn a_timeline_covers_its_phase_and_stays_short() {
        let requests = [request(10_500_000, 2000), request(12_999_999, 4000)];
        let points = timeline(&phase("slow", 10.0, 3.5), &Requests::new(&requests));
        let counts: Vec<u64> = points.iter().map(|point| point.requests).collect();
        assert_eq!(counts, [1, 0, 1, 0]);
        assert_eq!(points[2].p95_ms, 4.0);
        let long = timeline(&phase("long", 0.0, 3600.0), &Requests::new(&[]));
        assert_eq!(long.len(), 600);
    }

    #[test]
    fn utilization_is_the_mean_over_samples_within_the_phase() {
        let sample = |at_us, value| UtilizationSample {
            at_us,
            service: "llm".to_owned(),
            value,
        };
        let samples = [
            sample(9_000_000, 1.0),
            sample(11_000_000, 0.2),
            sample(12_000_000, 0.4),
        ];
        let found = utilization(&phase("slow", 10.0, 10.0), &samples);
        assert_eq!(found.len(), 1);
        assert!((found["llm"] - 0.3).abs() < 1e-12);
    }
}
