//! How fast something grows, and whether it does.
//!
//! The slope is Theil and Sen's, the median of the slopes between any two samples, which a few wild
//! samples do not move; the test is Mann and Kendall's, whether later samples are larger more often than
//! chance would have it. Samples belong to pieces, such as lives of a process: only samples of one piece
//! are compared, so what it falls by between two of them counts for nothing.

use crate::statistics::summary::{mean, quantile};

/// Samples of a piece that are compared with each other at most.
const SAMPLES_MAX: usize = 200;

/// Samples of the longest piece below which it has no slope. A few pieces as short as that pass no test.
const SAMPLES_MIN: usize = 4;

/// Standard deviations from chance beyond which growth is none: a probability of one in two thousand.
const SIGMAS_MIN: f64 = 3.29;

/// Share of all growth that each half of the way has at least where it is steady.
const HALF_MIN: f64 = 0.2;

/// Share of its rise by which a piece's last third is above its first at least; of a line it is two thirds.
const RISE_SHARE_MIN: f64 = 1.0 / 3.0;

/// A sample: seconds, and the value.
pub(crate) type Sample = (f64, f64);

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slope {
    /// Growth of the value a second.
    pub(crate) per_s: f64,
    /// Whether it grows beyond chance, and all the way rather than by a jump.
    pub(crate) grows: bool,
    /// What it grows by from the start of the longest piece to its end, going by the slope.
    pub(crate) rise: f64,
    /// The median of the longest piece's first samples.
    pub(crate) from: f64,
}

impl Slope {
    /// None where no piece is long enough. Samples of a piece are in the order of time.
    pub(crate) fn of(pieces: &[&[Sample]]) -> Option<Slope> {
        let longest = pieces.iter().max_by_key(|piece| piece.len())?;
        if longest.len() < SAMPLES_MIN {
            return None;
        }
        let (mut slopes, mut later_larger, mut variance) = (Vec::new(), 0_i64, 0.0);
        for piece in pieces {
            let step = piece.len().div_ceil(SAMPLES_MAX).max(1);
            let samples: Vec<Sample> = piece.iter().copied().step_by(step).collect();
            later_larger += compare(&samples, &mut slopes);
            variance += variance_of_chance(&samples);
        }
        let per_s = quantile(slopes, 0.5);
        let seconds = longest[longest.len() - 1].0 - longest[0].0;
        let rise = per_s * seconds;
        let sigmas = (later_larger - later_larger.signum()) as f64 / libm::sqrt(variance.max(1.0));
        Some(Slope {
            per_s,
            grows: per_s > 0.0 && sigmas >= SIGMAS_MIN && is_steady(longest, rise),
            rise,
            from: median(&longest[..longest.len() / 3]),
        })
    }
}

/// Adds the slopes between any two samples; how many pairs grow, less those that fall.
fn compare(samples: &[Sample], slopes: &mut Vec<f64>) -> i64 {
    let mut later_larger = 0;
    for (at, &(from_s, from)) in samples.iter().enumerate() {
        for &(to_s, to) in &samples[at + 1..] {
            if to_s > from_s {
                slopes.push((to - from) / (to_s - from_s));
                later_larger += i64::from(to > from) - i64::from(to < from);
            }
        }
    }
    later_larger
}

/// Variance of the number of pairs that grow less those that fall, were there no order in the samples.
fn variance_of_chance(samples: &[Sample]) -> f64 {
    let term = |n: f64| n * (n - 1.0) * (2.0 * n + 5.0) / 18.0;
    let mut values: Vec<f64> = samples.iter().map(|sample| sample.1).collect();
    values.sort_by(f64::total_cmp);
    let ties: f64 = values
        .chunk_by(|a, b| a == b)
        .map(|group| term(group.len() as f64))
        .sum();
    term(values.len() as f64) - ties
}

/// Whether the piece grows from its first third to the second and from there to the last, each by a fair
/// part of the whole, and by what its rise lets expect: what goes up and down again has slopes, too.
fn is_steady(piece: &[Sample], rise: f64) -> bool {
    let third = piece.len() / 3;
    let (first, last) = (
        median(&piece[..third]),
        median(&piece[piece.len() - third..]),
    );
    let middle = median(&piece[third..piece.len() - third]);
    let part = HALF_MIN * (last - first);
    last - first >= RISE_SHARE_MIN * rise && middle - first >= part && last - middle >= part
}

fn median(samples: &[Sample]) -> f64 {
    let values: Vec<f64> = samples.iter().map(|sample| sample.1).collect();
    if values.len() < 3 {
        return mean(values.into_iter());
    }
    quantile(values, 0.5)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    fn line(count: u32, value: impl Fn(f64) -> f64) -> Vec<Sample> {
        let seconds = (0..count).map(f64::from);
        seconds.map(|second| (second, value(second))).collect()
    }

    #[test]
    fn a_few_wild_samples_move_no_slope() {
        let mut samples = line(30, |second| 100.0 + 3.0 * second);
        samples[7].1 = 100_000.0;
        samples[22].1 = 0.0;
        let slope = Slope::of(&[&samples]).expect("enough samples");
        assert!((slope.per_s - 3.0).abs() < 0.05, "{slope:?}");
        assert!(slope.grows);
    }

    #[test]
    fn what_is_lost_between_pieces_counts_for_nothing() {
        let pieces: Vec<Vec<Sample>> = (0..4)
            .map(|life| line(8, |second| 100.0 + 10.0 * second + f64::from(life)))
            .collect();
        let parts: Vec<&[Sample]> = pieces.iter().map(Vec::as_slice).collect();
        let slope = Slope::of(&parts).expect("enough samples");
        assert!(slope.grows);
        assert!((slope.per_s - 10.0).abs() < 1e-9);
        let joined: Vec<Sample> = (0..32)
            .map(|at| (f64::from(at), pieces[at as usize / 8][at as usize % 8].1))
            .collect();
        assert!(!Slope::of(&[&joined]).expect("enough samples").grows);
    }

    #[test]
    fn a_jump_is_no_growth() {
        let jump = line(30, |second| if second < 15.0 { 100.0 } else { 200.0 });
        assert!(!Slope::of(&[&jump]).expect("enough samples").grows);
    }

    #[test]
    fn what_goes_up_and_down_again_does_not_grow() {
        let teeth = line(60, |second| 100.0 + 10.0 * (second % 20.0) + 0.01 * second);
        let slope = Slope::of(&[&teeth]).expect("enough samples");
        assert!(slope.per_s > 1.0 && !slope.grows, "{slope:?}");
    }

    #[test]
    fn noise_rarely_grows() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(20_260_101);
        let grows = (0..4000)
            .filter(|_| {
                let noise: Vec<Sample> = (0..30)
                    .map(|second| (f64::from(second), rng.random::<f64>()))
                    .collect();
                Slope::of(&[&noise]).expect("enough samples").grows
            })
            .count();
        assert!(grows <= 8, "{grows} of 4000, and 2 are expected at most");
    }

    #[test]
    fn a_short_piece_has_no_slope() {
        assert_eq!(Slope::of(&[&line(3, |second| second)]), None);
        assert_eq!(Slope::of(&[]), None);
    }
}
