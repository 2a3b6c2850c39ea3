//! Draws from a generator in the forms that cases need.

use ragdoll_model::Dist;
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::{index, unit};

/// Uniform from `low` to `high`.
pub(crate) fn between(low: f64, high: f64, rng: &mut Rng) -> f64 {
    low + (high - low) * unit(rng)
}

/// From `low` to `high`, both above 0, with each doubling as likely as the next.
pub(crate) fn log_between(low: f64, high: f64, rng: &mut Rng) -> f64 {
    low * libm::pow(high / low, unit(rng))
}

/// A whole number from `low` to `high`, both included.
pub(crate) fn whole(low: u32, high: u32, rng: &mut Rng) -> u32 {
    low + index((high - low + 1) as usize, rng) as u32
}

/// One of these, of which there is at least one.
pub(crate) fn pick<T: Clone>(all: &[T], rng: &mut Rng) -> T {
    all[index(all.len(), rng)].clone()
}

/// All of them in another order.
pub(crate) fn shuffled<T>(mut all: Vec<T>, rng: &mut Rng) -> Vec<T> {
    for at in (1..all.len()).rev() {
        all.swap(at, index(at + 1, rng));
    }
    all
}

/// Three significant digits: parameters that a reader can take in.
pub(crate) fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let digits = 2.0 - libm::floor(libm::log10(value.abs()));
    let scale = libm::pow(10.0, digits.abs());
    if digits >= 0.0 {
        libm::round(value * scale) / scale
    } else {
        libm::round(value / scale) * scale
    }
}

/// A lognormal time whose median is drawn from a range, each doubling as likely as the next.
pub(crate) fn lognormal(median_ms: (f64, f64), sigma: (f64, f64), rng: &mut Rng) -> Dist {
    let median = log_between(median_ms.0, median_ms.1, rng);
    Dist::lognormal(rounded(median), rounded(between(sigma.0, sigma.1, rng)))
}

/// The mean of a distribution in milliseconds; of a heavy tail without a mean, its smallest value.
pub(crate) fn mean_ms(dist: &Dist) -> f64 {
    match *dist {
        Dist::Fixed { ms } => ms,
        Dist::Uniform { min_ms, max_ms } => (min_ms + max_ms) / 2.0,
        Dist::Exponential { mean_ms } | Dist::Normal { mean_ms, .. } => mean_ms,
        Dist::Lognormal { median_ms, sigma } => median_ms * libm::exp(sigma * sigma / 2.0),
        Dist::Pareto { min_ms, alpha } if alpha > 1.0 => min_ms * alpha / (alpha - 1.0),
        Dist::Pareto { min_ms, .. } => min_ms,
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::Streams;

    use super::*;

    #[test]
    fn parameters_are_rounded_to_three_digits() {
        let found = [0.012_345, 1.2345, 123.45, 12_345.0, 0.0].map(rounded);
        assert_eq!(found, [0.0123, 1.23, 123.0, 12_300.0, 0.0]);
    }

    #[test]
    fn draws_stay_in_their_range() {
        let mut rng = Streams::new(1).stream("draws").rng();
        for _ in 0..1000 {
            assert!((3..=5).contains(&whole(3, 5, &mut rng)));
            assert!((2.0..=8.0).contains(&log_between(2.0, 8.0, &mut rng)));
        }
        let mut all = shuffled((0..50).collect(), &mut rng);
        assert_ne!(all, (0..50).collect::<Vec<u32>>());
        all.sort_unstable();
        assert_eq!(all, (0..50).collect::<Vec<u32>>());
    }
}
