//! Holding no more of something than a limit, by an even and repeatable choice.

use std::hash::Hasher as _;

use rustc_hash::FxHasher;

use super::ids::mix;
use crate::logs::LogEvent;
use crate::metrics::MetricPoint;
use crate::set::TraceSet;

/// Chooses by a hash: one thing in 2ⁿ is held, those whose hash begins with n zeros. Where more than
/// the limit are held n grows by as much as is needed. Since what is held at a larger n is a part of
/// what is held at a smaller one, the n at the end is the least at which the limit is obeyed, in
/// whatever order things come.
#[derive(Clone, Debug)]
pub(super) struct Thinning {
    limit: usize,
    halvings: u32,
    held: usize,
    /// Things that are or were held, by the zeros with which their hash begins.
    by_zeros: [usize; ZEROS],
}

/// A hash of 64 bits begins with 0 to 64 zeros.
const ZEROS: usize = 65;

impl Thinning {
    pub(super) fn new(limit: usize) -> Self {
        Thinning {
            limit,
            halvings: 0,
            held: 0,
            by_zeros: [0; ZEROS],
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// How often the share that is held was halved; at 65 nothing at all is held.
    pub(super) fn halvings(&self) -> u32 {
        self.halvings
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn is_all_held(&self) -> bool {
        self.halvings == 0
    }

    /// Whether things of this hash are held.
    pub(super) fn holds(&self, hash: u64) -> bool {
        hash.leading_zeros() >= self.halvings
    }

    /// Counts one more thing that is held. Says whether some that were held no longer are.
    pub(super) fn add(&mut self, hash: u64) -> bool {
        self.held += 1;
        self.by_zeros[hash.leading_zeros() as usize] += 1;
        let is_over = self.held > self.limit;
        while self.held > self.limit {
            self.held -= self.by_zeros[self.halvings as usize];
            self.halvings += 1;
        }
        is_over
    }
}

/// What all spans of a trace, and the log events about it, are chosen by. Systems that sample choose
/// by parts of the id too, so this is mixed twice to have nothing to do with what they chose.
pub(super) fn trace_hash(trace_id: u128) -> u64 {
    finish(mix(trace_id, 0x243f_6a88_85a3_08d3))
}

/// What a log event is chosen by: the trace that it is about, else itself.
pub(super) fn log_hash(set: &TraceSet, event: &LogEvent) -> u64 {
    if let Some(trace_id) = event.trace_id {
        return trace_hash(trace_id);
    }
    let mut hasher = FxHasher::default();
    hasher.write(set.service(event.resource).as_bytes());
    hasher.write(set.instance(event.resource).as_bytes());
    hasher.write(event.message.as_bytes());
    finish(mix(u128::from(hasher.finish()), event.time_ns))
}

/// What a metric point is chosen by: its process and moment, so that gauges that were read together,
/// such as a use and its limit, stay together.
pub(super) fn metric_hash(set: &TraceSet, point: &MetricPoint) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(set.service(point.resource).as_bytes());
    hasher.write(set.instance(point.resource).as_bytes());
    finish(mix(u128::from(hasher.finish()), point.time_ns))
}

/// The last steps of SplitMix64, after which every bit depends on every other.
fn finish(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_two_to_the_n_of_any_ids_is_held() {
        let ids: [fn(u64) -> u128; 4] = [
            u128::from,
            |number| u128::from(number) << 64,
            |number| u128::from(number) << 37,
            |number| u128::from(number) << 64 | u128::from(number.wrapping_mul(0x9e37_79b9)),
        ];
        for (kind, id) in ids.into_iter().enumerate() {
            let all = 1 << 16;
            for zeros in 1..=6 {
                let share = 0.5_f64.powi(zeros);
                let held = (1..=all)
                    .filter(|&number| trace_hash(id(number)).leading_zeros() >= zeros as u32)
                    .count() as f64;
                let expected = share * all as f64;
                // Four standard deviations of a binomial distribution.
                let off = 4.0 * (expected * (1.0 - share)).sqrt();
                assert!(
                    (held - expected).abs() < off,
                    "ids {kind}, {zeros} zeros: {held} of {expected}"
                );
            }
        }
    }

    #[test]
    fn the_share_is_the_largest_within_the_limit() {
        let mut thinning = Thinning::new(100);
        let hashes: Vec<u64> = (1..=1_000).map(trace_hash).collect();
        for &hash in &hashes {
            if thinning.holds(hash) {
                thinning.add(hash);
                assert!(thinning.held <= 100);
            }
        }
        let held = |halvings: u32| {
            let zeros = hashes.iter().map(|hash| hash.leading_zeros());
            zeros.filter(|&zeros| zeros >= halvings).count()
        };
        assert_eq!(held(thinning.halvings), thinning.held);
        assert!(held(thinning.halvings - 1) > 100);
    }

    #[test]
    fn one_thing_that_is_more_than_the_limit_is_not_held() {
        let mut thinning = Thinning::new(2);
        let changed: Vec<bool> = (0..3).map(|_| thinning.add(0)).collect();
        assert_eq!(changed, [false, false, true]);
        assert_eq!((thinning.held, thinning.holds(0)), (0, false));
    }
}
