//! Probabilities that chance alone makes a difference.

use crate::statistics::summary::mean;

/// Probability that `affected_with` or more of the affected have a property that `with` of all
/// `total` have, if having it did not matter (Fisher's exact test, one-sided).
pub(crate) fn fisher_p(affected_with: u64, affected: u64, with: u64, total: u64) -> f64 {
    let most = affected.min(with);
    let log_all = log_choose(total, affected);
    let mut p = 0.0;
    for count in affected_with..=most {
        if affected - count > total - with {
            continue;
        }
        let log_p = log_choose(with, count) + log_choose(total - with, affected - count) - log_all;
        p += libm::exp(log_p);
    }
    p.min(1.0)
}

fn log_choose(n: u64, k: u64) -> f64 {
    let log_factorial = |n: u64| libm::lgamma(n as f64 + 1.0);
    log_factorial(n) - log_factorial(k) - log_factorial(n - k)
}

/// Probability that ranks differ as much as these if both groups were alike (Mann-Whitney,
/// two-sided, normal approximation with correction for ties).
pub(crate) fn rank_p(affected: &[f64], others: &[f64]) -> f64 {
    let (n, m) = (affected.len() as f64, others.len() as f64);
    let mut all: Vec<(f64, bool)> = affected.iter().map(|&value| (value, true)).collect();
    all.extend(others.iter().map(|&value| (value, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut rank_sum, mut ties, mut before) = (0.0, 0.0, 0.0);
    for group in all.chunk_by(|a, b| a.0 == b.0) {
        let size = group.len() as f64;
        let mean_rank = before + (size + 1.0) / 2.0;
        rank_sum += mean_rank * group.iter().filter(|(_, affected)| *affected).count() as f64;
        ties += size * size * size - size;
        before += size;
    }
    let total = n + m;
    let expected = n * (total + 1.0) / 2.0;
    let variance = n * m / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)).max(1.0));
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (rank_sum - expected).abs() / libm::sqrt(variance);
    libm::erfc(z / std::f64::consts::SQRT_2)
}

/// A mean with its standard error, of values that have nothing to do with each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    mean: f64,
    /// Square of the standard error.
    variance: f64,
    /// Values that the mean is of.
    count: f64,
}

impl Sample {
    /// Of numbers that are known by their sum and the sum of their squares.
    pub(crate) fn of_sums(count: f64, sum: f64, squares: f64) -> Self {
        let mean = sum / count.max(1.0);
        let variance = (squares / count.max(1.0) - mean * mean).max(0.0);
        Sample {
            mean,
            variance: variance / (count - 1.0).max(1.0),
            count,
        }
    }

    /// As unsure as values that scatter like these, of which it is a part: a few that hold nothing rare
    /// seem surer than they are.
    pub(crate) fn as_unsure_as(self, all: Sample) -> Self {
        let like_all = all.variance * all.count / self.count.max(1.0);
        Sample {
            variance: self.variance.max(like_all),
            ..self
        }
    }

    /// The mean of the largest: this share of all, which come largest first.
    pub(crate) fn of_tail(values: impl ExactSizeIterator<Item = f64> + Clone, share: f64) -> Self {
        let all = values.len();
        let count = ((share * all as f64).round() as usize).clamp(1, all.max(1));
        let tail = values.take(count);
        let least = tail.clone().last().unwrap_or(0.0);
        let mean = mean(tail.clone());
        let within = tail
            .map(|value| (value - mean) * (value - mean))
            .sum::<f64>()
            / (count as f64 - 1.0).max(1.0);
        // Where the tail begins varies too, but for that of all.
        let beginning = (1.0 - count as f64 / all.max(1) as f64) * (mean - least) * (mean - least);
        Sample {
            mean,
            variance: (within + beginning) / count as f64,
            count: count as f64,
        }
    }
}

/// Probability that one mean is as much larger than another if both were alike (Welch's test,
/// one-sided; the t distribution by Wallace's approximation).
pub(crate) fn welch_p(now: Sample, before: Sample) -> f64 {
    let difference = now.mean - before.mean;
    let variance = now.variance + before.variance;
    if variance <= 0.0 {
        return if difference > 0.0 { 0.0 } else { 1.0 };
    }
    let part = |sample: Sample| sample.variance * sample.variance / (sample.count - 1.0).max(1.0);
    let freedom = variance * variance / (part(now) + part(before));
    let squared = difference * difference / variance;
    let correction = (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0);
    let z = correction * libm::sqrt(freedom * libm::log1p(squared / freedom));
    let above = 0.5 * libm::erfc(z / std::f64::consts::SQRT_2);
    if difference > 0.0 { above } else { 1.0 - above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fisher_agrees_with_the_tea_tasting() {
        // Fisher's own example: 8 cups, 4 of each kind, all named right: 1 in 70; 3 right: 17 in 70.
        assert!((fisher_p(4, 4, 4, 8) - 1.0 / 70.0).abs() < 1e-12);
        assert!((fisher_p(3, 4, 4, 8) - 17.0 / 70.0).abs() < 1e-12);
        assert!((fisher_p(0, 4, 4, 8) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn ranks_tell_shifted_groups_from_equal_ones() {
        let low: Vec<f64> = (0..50).map(f64::from).collect();
        let high: Vec<f64> = (40..90).map(f64::from).collect();
        assert!(rank_p(&high, &low) < 1e-10);
        assert!(rank_p(&low, &low) > 0.99);
        assert_eq!(rank_p(&[1.0; 20], &[1.0; 30]), 1.0);
    }

    #[test]
    fn welch_agrees_with_the_table_of_t() {
        let sample = |mean: f64, variance: f64| Sample {
            mean,
            variance,
            count: 11.0,
        };
        // Of 10 degrees of freedom, 1 in 1,000 is above 4.144 and 1 in 20 above 1.812.
        for (t, p) in [(4.144, 0.001), (1.812, 0.05)] {
            let found = welch_p(sample(t, 1.0), sample(0.0, 0.0));
            assert!((found / p - 1.0).abs() < 0.05, "{found} for {t}");
        }
        let low = welch_p(sample(0.0, 1.0), sample(3.0, 1.0));
        assert!(low > 0.97, "{low}");
        assert_eq!(welch_p(sample(2.0, 0.0), sample(1.0, 0.0)), 0.0);
    }

    #[test]
    fn a_tail_is_less_sure_than_its_values_are_alike() {
        let values: Vec<f64> = (0..1000).rev().map(f64::from).collect();
        let tail = Sample::of_tail(values.iter().copied(), 0.1);
        assert!((tail.mean - 949.5).abs() < 1e-9);
        let apart = 100.0 * 101.0 / 12.0 / 100.0;
        assert!((tail.variance - apart - 0.9 * 49.5 * 49.5 / 100.0).abs() < 1e-6);
        let all = Sample::of_tail(values.iter().copied(), 1.0);
        assert!((all.mean - 499.5).abs() < 1e-9);
    }
}
