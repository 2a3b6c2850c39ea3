//! One list of what may be to blame, of the answers to all questions.

use std::collections::BTreeSet;

use crate::questions::findings::Bottleneck;

/// Places of the list at most.
const RANKED_MAX: usize = 10;

/// Takes the first of each answer, then the second of each, and so on; of these the first of every
/// service come before its further ones, and none comes twice.
pub(crate) fn ranked(answers: &[&[Bottleneck]]) -> Vec<Bottleneck> {
    let longest = answers.iter().map(|answer| answer.len()).max().unwrap_or(0);
    let in_turn =
        (0..longest).flat_map(|at| answers.iter().filter_map(move |answer| answer.get(at)));
    let mut places = BTreeSet::new();
    let all: Vec<&Bottleneck> = in_turn
        .filter(|one| places.insert((one.service.as_str(), one.cause)))
        .collect();
    let mut services = BTreeSet::new();
    let (first, further): (Vec<&Bottleneck>, Vec<&Bottleneck>) = all
        .into_iter()
        .partition(|one| services.insert(one.service.as_str()));
    let list = first.into_iter().chain(further);
    list.take(RANKED_MAX).cloned().collect()
}
