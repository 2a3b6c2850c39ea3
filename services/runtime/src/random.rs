//! Seeded random streams. A stream is named by what it is for, never by when it is drawn from: a
//! change in the order of events, or one more draw elsewhere, leaves every other stream alone.
//!
//! The transcendental functions are those of the `libm` crate, since the standard library's differ
//! in the last bit from platform to platform.

use ragdoll_model::{Dist, TokenDist};
use rand::{Rng as _, SeedableRng};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The generator behind every draw: small, fast, and the same on every platform.
pub type Rng = rand_xoshiro::Xoshiro256PlusPlus;

/// The root of all streams of a run.
#[derive(Clone, Copy, Debug)]
pub struct Streams {
    seed: u64,
}

impl Streams {
    /// Streams of the run with this seed.
    pub fn new(seed: u64) -> Self {
        Streams { seed }
    }

    /// The stream of this name.
    pub fn stream(&self, name: &str) -> Stream {
        Stream { key: self.seed }.child(name)
    }
}

/// A named stream, or a family of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    key: u64,
}

impl Stream {
    /// The stream of this name within the family.
    pub fn child(&self, name: &str) -> Stream {
        Stream {
            key: xxh3_64_with_seed(name.as_bytes(), self.key),
        }
    }

    /// A generator for member `index`, for example a request.
    pub fn at(&self, index: u64) -> Rng {
        Rng::seed_from_u64(mix(self.key, index))
    }

    /// A generator for the stream as a whole.
    pub fn rng(&self) -> Rng {
        self.at(0)
    }

    /// A number that stands for the stream: equal names give equal keys.
    pub fn key(&self) -> u64 {
        self.key
    }
}

/// Combines two numbers into one that depends on every bit of both (SplitMix64's finaliser).
pub fn mix(a: u64, b: u64) -> u64 {
    let mut z = a ^ b.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Stable hash of a text, for keys of streams.
pub fn hash(text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), 0)
}

/// Uniform in the half-open interval from 0 to 1.
pub fn unit(rng: &mut Rng) -> f64 {
    const SCALE: f64 = 1.0 / (1u64 << 53) as f64;
    (rng.next_u64() >> 11) as f64 * SCALE
}

/// True with probability `p`.
pub fn chance(p: f64, rng: &mut Rng) -> bool {
    p >= 1.0 || (p > 0.0 && unit(rng) < p)
}

/// Exponential with this mean.
pub fn exponential(mean: f64, rng: &mut Rng) -> f64 {
    -mean * libm::log(1.0 - unit(rng))
}

/// Standard normal, by the Box-Muller transform.
pub fn standard_normal(rng: &mut Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - unit(rng)));
    radius * libm::cos(2.0 * std::f64::consts::PI * unit(rng))
}

/// Uniform among `0..bound`; `bound` is at least 1.
pub fn index(bound: usize, rng: &mut Rng) -> usize {
    ((unit(rng) * bound as f64) as usize).min(bound - 1)
}

/// A sample in milliseconds, at least 0.
pub fn sample_ms(dist: &Dist, rng: &mut Rng) -> f64 {
    let ms = match *dist {
        Dist::Fixed { ms } => ms,
        Dist::Uniform { min_ms, max_ms } => min_ms + (max_ms - min_ms) * unit(rng),
        Dist::Exponential { mean_ms } => exponential(mean_ms, rng),
        Dist::Normal {
            mean_ms,
            std_dev_ms,
        } => mean_ms + std_dev_ms * standard_normal(rng),
        Dist::Lognormal { median_ms, sigma } => median_ms * libm::exp(sigma * standard_normal(rng)),
        Dist::Pareto { min_ms, alpha } => min_ms * libm::pow(1.0 - unit(rng), -1.0 / alpha),
    };
    ms.max(0.0)
}

/// A sample in whole microseconds.
pub fn sample_us(dist: &Dist, rng: &mut Rng) -> u64 {
    ms_to_us(sample_ms(dist, rng))
}

/// Milliseconds to the nearest microsecond; what is below zero or not a number counts as 0.
pub fn ms_to_us(ms: f64) -> u64 {
    libm::round(ms * 1000.0) as u64
}

/// Seconds to the nearest microsecond; what is below zero or not a number counts as 0.
pub fn s_to_us(seconds: f64) -> u64 {
    libm::round(seconds * 1e6) as u64
}

/// A number of tokens, at least 1.
pub fn sample_tokens(dist: &TokenDist, rng: &mut Rng) -> u32 {
    match *dist {
        TokenDist::Fixed { tokens } => tokens.max(1),
        TokenDist::Uniform { min, max } => min + index((max - min + 1) as usize, rng) as u32,
        TokenDist::Lognormal { median, sigma, max } => {
            let tokens = median * libm::exp(sigma * standard_normal(rng));
            (libm::round(tokens) as u32).clamp(1, max)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_of(dist: Dist) -> f64 {
        let mut rng = Streams::new(7).stream("mean").rng();
        let draws = 400_000;
        (0..draws).map(|_| sample_ms(&dist, &mut rng)).sum::<f64>() / f64::from(draws)
    }

    fn assert_near(found: f64, expected: f64, tolerance: f64) {
        assert!(
            (found / expected - 1.0).abs() < tolerance,
            "found {found}, expected {expected}"
        );
    }

    #[test]
    fn sample_means_agree_with_the_closed_forms() {
        assert_near(mean_of(Dist::Fixed { ms: 3.0 }), 3.0, 1e-9);
        assert_near(
            mean_of(Dist::Uniform {
                min_ms: 2.0,
                max_ms: 6.0,
            }),
            4.0,
            0.01,
        );
        assert_near(mean_of(Dist::Exponential { mean_ms: 5.0 }), 5.0, 0.01);
        assert_near(
            mean_of(Dist::Normal {
                mean_ms: 50.0,
                std_dev_ms: 5.0,
            }),
            50.0,
            0.01,
        );
        let lognormal = 4.0 * libm::exp(0.5 * 0.5 / 2.0);
        assert_near(mean_of(Dist::lognormal(4.0, 0.5)), lognormal, 0.01);
        assert_near(
            mean_of(Dist::Pareto {
                min_ms: 1.0,
                alpha: 3.0,
            }),
            1.5,
            0.01,
        );
    }

    #[test]
    fn a_stream_depends_on_its_name_index_and_seed_alone() {
        let streams = Streams::new(1);
        let service = streams.stream("reranker-0");
        let draw = |stream: Stream, index: u64| stream.at(index).next_u64();
        assert_eq!(
            draw(service.child("work"), 5),
            draw(service.child("work"), 5)
        );
        assert_ne!(
            draw(service.child("work"), 5),
            draw(service.child("work"), 6)
        );
        assert_ne!(
            draw(service.child("work"), 5),
            draw(service.child("hold"), 5)
        );
        assert_ne!(
            draw(service.child("work"), 5),
            draw(Streams::new(2).stream("reranker-0").child("work"), 5)
        );
    }

    #[test]
    fn the_first_draws_never_change_between_versions() {
        let mut rng = Streams::new(42).stream("golden").at(3);
        let draws: Vec<u64> = (0..3)
            .map(|_| sample_us(&Dist::lognormal(10.0, 0.5), &mut rng))
            .collect();
        assert_eq!(draws, GOLDEN);
    }

    const GOLDEN: [u64; 3] = [9591, 6623, 11845];
}
