//! One answer out of those of several operations.

use std::collections::BTreeSet;

use crate::answer::verdict::Analysis;
use crate::facts::prepared::Prepared;
use crate::facts::time::Window;
use crate::questions::findings::{Bottleneck, Question};
use crate::questions::root_operations::Root;

/// What was found in the requests of one operation.
pub(crate) struct Found {
    pub(crate) root: Option<Root>,
    pub(crate) analysis: Analysis,
    /// How much worse requests became, in thresholds; 0 where nothing changed beyond noise.
    pub(crate) strength: f64,
}

/// That which changed most, else the first, with the others.
///
/// # Panics
/// Where nothing was compared.
pub(crate) fn strongest(mut found: Vec<Found>) -> (Found, Vec<Found>) {
    let mut most = 0;
    for at in 1..found.len() {
        if found[at].strength > found[most].strength {
            most = at;
        }
    }
    let chosen = found.remove(most);
    (chosen, found)
}

/// A list of places with those behind it that the other operations' answers name first.
pub(crate) fn with_others(mut ranked: Vec<Bottleneck>, others: &[Found]) -> Vec<Bottleneck> {
    let place = |one: &Bottleneck| (one.service.clone(), one.cause);
    let mut known: BTreeSet<_> = ranked.iter().map(place).collect();
    for answer in others.iter().filter_map(answer) {
        if known.insert(place(answer)) {
            ranked.push(answer.clone());
        }
    }
    ranked
}

/// The answer of an operation whose requests became slower, or fail more often.
fn answer(found: &Found) -> Option<&Bottleneck> {
    let analysis = &found.analysis;
    analysis.errors.as_ref().or(analysis.latency.as_ref())
}

/// What became of the requests of other operations than the chosen one.
pub(crate) fn operation_notes(
    prepared: &Prepared<'_>,
    window: &Window,
    chosen: &Found,
    others: &[Found],
) -> Vec<String> {
    let mut notes = Vec::new();
    let Some(root) = chosen.root else {
        return notes;
    };
    let label = root.label(prepared, window);
    for other in others {
        let (Some(root), Some(answer)) = (other.root, answer(other)) else {
            continue;
        };
        let became = match answer.question {
            Question::Errors => "fail more often",
            _ => "are slower",
        };
        notes.push(format!(
            "requests of {} {became} too, which is put down to {} of {}",
            root.label(prepared, window),
            answer.cause,
            answer.service
        ));
    }
    let unchanged = others
        .iter()
        .filter(|other| answer(other).is_none())
        .count();
    match unchanged {
        0 => {}
        1 => notes.push(format!(
            "1 operation besides {label} was compared by itself and did not become worse"
        )),
        more => notes.push(format!(
            "{more} operations besides {label} were compared by themselves and did not become worse"
        )),
    }
    let case: u64 = [chosen]
        .into_iter()
        .chain(others)
        .map(|one| one.analysis.traces)
        .sum();
    match prepared.requests(window).len() as u64 - case {
        0 => {}
        1 => notes.push(format!(
            "1 request of another operation than {label} is left out"
        )),
        left => notes.push(format!(
            "{left} requests of other operations than {label} are left out"
        )),
    }
    notes
}
