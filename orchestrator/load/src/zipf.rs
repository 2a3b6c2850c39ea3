//! Zipf's law over a finite number of ranks.

use ragdoll_runtime::Rng;
use ragdoll_runtime::random::unit;

/// Zipf's law: rank `k`, counted from 0, has a probability proportional to `(k + 1)^-exponent`.
#[derive(Clone, Debug)]
pub struct Zipf {
    /// Probability of each rank and all before it; the last is 1 but for rounding.
    cumulative: Vec<f64>,
}

impl Zipf {
    /// The law over `ranks` ranks, at least 1, with an `exponent` of at least 0; at 0 all ranks are
    /// alike. Panics on anything else.
    pub fn new(ranks: u32, exponent: f64) -> Self {
        assert!(
            ranks >= 1 && exponent >= 0.0,
            "{ranks} ranks, exponent {exponent}"
        );
        let mut total = 0.0;
        let mut cumulative: Vec<f64> = (1..=ranks)
            .map(|rank| {
                total += libm::pow(f64::from(rank), -exponent);
                total
            })
            .collect();
        cumulative.iter_mut().for_each(|weight| *weight /= total);
        Zipf { cumulative }
    }

    /// Draws a rank.
    pub fn sample(&self, rng: &mut Rng) -> u32 {
        let draw = unit(rng);
        let rank = self.cumulative.partition_point(|&up_to| up_to <= draw);
        // Rounding may leave the last sum below 1, and a draw above it.
        rank.min(self.cumulative.len() - 1) as u32
    }

    /// Probability of a rank; 0 where there is no such rank.
    pub fn probability(&self, rank: u32) -> f64 {
        let rank = rank as usize;
        match (self.cumulative.get(rank), rank.checked_sub(1)) {
            (None, _) => 0.0,
            (Some(&up_to), None) => up_to,
            (Some(&up_to), Some(before)) => up_to - self.cumulative[before],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ragdoll_runtime::Streams;

    fn frequencies(ranks: u32, exponent: f64, draws: u32) -> Vec<f64> {
        let zipf = Zipf::new(ranks, exponent);
        let mut rng = Streams::new(11).stream("zipf").rng();
        let mut counts = vec![0u32; ranks as usize];
        for _ in 0..draws {
            counts[zipf.sample(&mut rng) as usize] += 1;
        }
        counts
            .iter()
            .map(|&count| f64::from(count) / f64::from(draws))
            .collect()
    }

    #[test]
    fn frequencies_follow_the_closed_form() {
        for exponent in [0.0, 0.8, 1.2] {
            let ranks = 50;
            let draws = 400_000;
            let harmonic: f64 = (1..=ranks)
                .map(|k| libm::pow(f64::from(k), -exponent))
                .sum();
            for (k, found) in (1..).zip(frequencies(ranks, exponent, draws)) {
                let expected = libm::pow(f64::from(k), -exponent) / harmonic;
                let deviation = libm::sqrt(expected * (1.0 - expected) / f64::from(draws));
                assert!(
                    (found - expected).abs() < 4.5 * deviation,
                    "exponent {exponent}, rank {k}: found {found}, expected {expected}"
                );
            }
        }
    }

    #[test]
    fn probabilities_sum_to_one_and_nothing_lies_beyond_the_last_rank() {
        let zipf = Zipf::new(7, 0.8);
        let sum: f64 = (0..7).map(|rank| zipf.probability(rank)).sum();
        assert!((sum - 1.0).abs() < 1e-12, "sum {sum}");
        assert_eq!(zipf.probability(7), 0.0);
    }
}
