//! Latencies, counted from the moment at which a request was due.

use hdrhistogram::Histogram;

/// Longest latency that is told apart from longer ones: one hour.
const HIGHEST_US: u64 = 3_600_000_000;

/// Latencies from 1 µs to 1 h, each kept to three significant digits. Longer ones count as 1 h in
/// quantiles; [`LatencyHistogram::saturated`] says how many there were.
///
/// A histogram rather than a sorted list: its size does not depend on how long the run is, and the
/// histograms of many sources merge without loss. Its quantiles are up to 0.1 % too high; count,
/// mean and maximum are exact.
#[derive(Clone, Debug)]
pub struct LatencyHistogram {
    histogram: Histogram<u64>,
    sum_us: u128,
    max_us: u64,
    saturated: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        LatencyHistogram {
            histogram: Histogram::new_with_bounds(1, HIGHEST_US, 3)
                .expect("1 µs to 1 h in three digits is a valid range"),
            sum_us: 0,
            max_us: 0,
            saturated: 0,
        }
    }
}

impl LatencyHistogram {
    /// Without any latency.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a request that was due at `intended_us` and done at `done_us`. A request that was
    /// done before it was due took 0.
    pub fn record(&mut self, intended_us: u64, done_us: u64) {
        let latency_us = done_us.saturating_sub(intended_us);
        self.histogram.saturating_record(latency_us.min(HIGHEST_US));
        self.sum_us += u128::from(latency_us);
        self.max_us = self.max_us.max(latency_us);
        self.saturated += u64::from(latency_us > HIGHEST_US);
    }

    /// Adds all of another's latencies.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        self.histogram
            .add(&other.histogram)
            .expect("all histograms have the same range");
        self.sum_us += other.sum_us;
        self.max_us = self.max_us.max(other.max_us);
        self.saturated += other.saturated;
    }

    /// How many latencies were recorded.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// How many of them were longer than an hour.
    pub fn saturated(&self) -> u64 {
        self.saturated
    }

    /// The latency in milliseconds that a share `quantile` of the requests, from 0 to 1, did not
    /// exceed. None where nothing was recorded.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let us = self.histogram.value_at_quantile(quantile).min(self.max_us);
        (self.count() > 0).then(|| us as f64 / 1000.0)
    }

    /// Mean in milliseconds. None where nothing was recorded.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum_us as f64 / self.count() as f64 / 1000.0)
    }

    /// Longest in milliseconds. None where nothing was recorded.
    pub fn max_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.max_us as f64 / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(latencies_us: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for latency_us in latencies_us {
            histogram.record(1_000, 1_000 + latency_us);
        }
        histogram
    }

    #[test]
    fn quantiles_are_right_to_three_digits_and_the_rest_exactly() {
        let histogram = of((1..=100_000).map(|n| n * 10));
        for (quantile, expected_ms) in [(0.5, 500.0), (0.95, 950.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found_ms = histogram
                .quantile_ms(quantile)
                .expect("there are latencies");
            assert!(
                (found_ms / expected_ms - 1.0).abs() <= 0.001,
                "quantile {quantile}: {found_ms} ms, expected {expected_ms} ms"
            );
        }
        assert_eq!(histogram.mean_ms(), Some(500.005));
        assert_eq!(histogram.max_ms(), Some(1000.0));
    }

    #[test]
    fn the_parts_merged_equal_the_whole() {
        let mut merged = of([5, 70, 900_000]);
        merged.merge(&of([1, 2, HIGHEST_US + 1]));
        let whole = of([5, 70, 900_000, 1, 2, HIGHEST_US + 1]);
        let figures = |histogram: &LatencyHistogram| {
            (
                histogram.count(),
                histogram.saturated(),
                histogram.mean_ms(),
                histogram.max_ms(),
                [0.0, 0.3, 0.5, 0.9, 1.0].map(|quantile| histogram.quantile_ms(quantile)),
            )
        };
        assert_eq!(figures(&merged), figures(&whole));
    }

    #[test]
    fn what_takes_over_an_hour_is_counted_and_kept_as_maximum() {
        let histogram = of([HIGHEST_US, HIGHEST_US + 1, 2 * HIGHEST_US]);
        assert_eq!((histogram.count(), histogram.saturated()), (3, 2));
        assert_eq!(histogram.max_ms(), Some(7_200_000.0));
        let median_ms = histogram.quantile_ms(0.5).expect("there are latencies");
        assert!(
            (median_ms / 3_600_000.0 - 1.0).abs() <= 0.001,
            "{median_ms}"
        );
    }

    #[test]
    fn without_latencies_there_are_no_figures_and_zero_is_a_latency() {
        let empty = LatencyHistogram::new();
        assert_eq!(
            (empty.quantile_ms(0.5), empty.mean_ms(), empty.max_ms()),
            (None, None, None)
        );
        let mut early = LatencyHistogram::new();
        early.record(10, 9);
        assert_eq!((early.count(), early.quantile_ms(1.0)), (1, Some(0.0)));
    }
}
