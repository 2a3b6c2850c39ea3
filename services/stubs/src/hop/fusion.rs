//! One list of documents from several.

use std::collections::BTreeMap;

use ragdoll_model::Hit;

/// Reciprocal rank fusion's constant (Cormack, Clarke and Buettcher, SIGIR 2009).
const RANK_CONSTANT: f32 = 60.0;

/// The documents of all lists, best first. Scores within a list can be compared: of one list they stay. Scores of several
/// lists cannot, and ranks take their place. A document that is in a list twice counts once, with its better score.
pub(super) fn fused<'l>(lists: impl Iterator<Item = &'l Vec<Hit>>) -> Vec<Hit> {
    let mut lists: Vec<Vec<Hit>> = lists.map(|list| ranked(list)).collect();
    if lists.len() == 1 {
        return lists.remove(0);
    }
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    let mut by_document: BTreeMap<u32, Hit> = BTreeMap::new();
    for list in lists {
        for (rank, hit) in list.into_iter().enumerate() {
            let share = 1.0 / (RANK_CONSTANT + 1.0 + rank as f32);
            let entry = by_document.entry(hit.document);
            let fused = entry.or_insert(Hit { score: 0.0, ..hit });
            fused.score += share;
        }
    }
    let mut all: Vec<Hit> = by_document.into_values().collect();
    all.sort_by(Hit::best_first);
    all.truncate(longest);
    all
}

fn ranked(list: &[Hit]) -> Vec<Hit> {
    let mut list = list.to_vec();
    list.sort_by(Hit::best_first);
    let mut seen = std::collections::BTreeSet::new();
    list.retain(|hit| seen.insert(hit.document));
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(numbers: &[u32], best_score: f32) -> Vec<Hit> {
        let scores = (0_u16..).map(|rank| best_score - f32::from(rank));
        let hits = numbers.iter().zip(scores);
        hits.map(|(&document, score)| Hit {
            document,
            score,
            tokens: 1,
            size_bytes: 4,
        })
        .collect()
    }

    #[test]
    fn what_both_lists_have_comes_before_what_one_has_whatever_the_scores() {
        let (dense, sparse) = (list(&[1, 2, 3], 1.0), list(&[3, 4, 5], 50.0));
        let fused = fused([&dense, &sparse].into_iter());
        let numbers: Vec<u32> = fused.iter().map(|hit| hit.document).collect();
        assert_eq!(numbers, [3, 1, 2], "as many as the longest list has");
        let expected = 1.0 / 63.0 + 1.0 / 61.0;
        assert!((fused[0].score - expected).abs() < 1e-6, "{fused:?}");
    }

    #[test]
    fn one_list_keeps_its_scores_and_loses_what_it_has_twice() {
        let mut parts = list(&[7, 8], 2.0);
        parts.extend(list(&[7, 9], 3.0));
        let fused = fused([&parts].into_iter());
        let said: Vec<(u32, f32)> = fused.iter().map(|hit| (hit.document, hit.score)).collect();
        assert_eq!(said, [(7, 3.0), (9, 2.0), (8, 1.0)]);
    }
}
