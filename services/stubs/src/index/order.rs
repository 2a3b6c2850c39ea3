//! The order of what a search finds: highest score first, and of equal ones the first position.

/// Positions and values of the best `limit` scores: highest first, and of equal ones the first.
pub fn best(scores: &[f32], limit: usize) -> Vec<(u32, f32)> {
    let keys = scores.iter().zip(0_u32..);
    let mut keys: Vec<u64> = keys
        .map(|(score, position)| rank(*score, position))
        .collect();
    let surplus = keys.len().saturating_sub(limit);
    if surplus == keys.len() {
        return Vec::new();
    }
    keys.select_nth_unstable(surplus);
    let ranked = &mut keys[surplus..];
    ranked.sort_unstable_by(|a, b| b.cmp(a));
    let positions = ranked.iter().map(|key| position_of(*key));
    positions
        .map(|position| (position, scores[position as usize]))
        .collect()
}

/// A number that is larger for a higher score, and for an earlier position among equal ones:
/// comparing such numbers is a single instruction.
pub(crate) fn rank(score: f32, position: u32) -> u64 {
    // The bits of a positive number are in the order of its value, those of a negative one in the
    // opposite order.
    let bits = score.to_bits();
    let flip = if bits >> 31 == 1 { u32::MAX } else { 1 << 31 };
    (u64::from(bits ^ flip) << 32) | u64::from(!position)
}

/// The position that was ranked.
pub(crate) fn position_of(key: u64) -> u32 {
    !(key as u32)
}

/// The score that was ranked, with the same bits.
pub(crate) fn score_of(key: u64) -> f32 {
    let bits = (key >> 32) as u32;
    let flip = if bits >> 31 == 1 { 1 << 31 } else { u32::MAX };
    f32::from_bits(bits ^ flip)
}

#[cfg(test)]
mod tests {
    use ragdoll_runtime::{Streams, random};

    use super::*;

    #[test]
    fn the_best_are_those_of_a_full_sort() {
        let mut rng = Streams::new(3).stream("scores").rng();
        for limit in [0, 1, 7, 100, 200] {
            let scores: Vec<f32> = (0..100)
                .map(|_| (random::unit(&mut rng) * 20.0).floor() as f32 - 10.0)
                .collect();
            let mut sorted: Vec<(u32, f32)> = (0..).zip(scores.iter().copied()).collect();
            sorted.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            sorted.truncate(limit);
            assert_eq!(best(&scores, limit), sorted, "limit {limit}");
        }
    }

    #[test]
    fn a_rank_gives_its_score_and_position_back() {
        for score in [
            0.0,
            -0.0,
            1.0,
            -1.0,
            0.3,
            -0.7,
            f32::INFINITY,
            f32::NEG_INFINITY,
        ] {
            for position in [0, 1, 70_000, u32::MAX] {
                let key = rank(score, position);
                assert_eq!(score_of(key).to_bits(), score.to_bits());
                assert_eq!(position_of(key), position);
            }
        }
        assert!(rank(0.5, 9) > rank(0.4, 1) && rank(0.5, 1) > rank(0.5, 9));
    }
}
