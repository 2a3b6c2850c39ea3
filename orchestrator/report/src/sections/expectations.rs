//! What was expected, and whether it holds.

use ragdoll_experiment::{ExpectationOutcome, Outcome, RunRecord};

use crate::document::{Block, Check, Heading, Mark, Medium, Section};

pub(super) fn section(record: &RunRecord) -> Section {
    let all = &record.expectations;
    let held = all.iter().filter(|one| one.held).count();
    let checks = all.iter().map(|one| check(&record.outcome, one)).collect();
    let heading = Heading::new("Expectations", format!("{held} of {} hold", all.len()));
    let section = Section::new(heading, vec![Block::checks(checks)]);
    match all.is_empty() {
        true => section.only(Medium::Terminal),
        false => section,
    }
}

/// A run that cannot tell refutes nothing.
fn check(outcome: &Outcome, one: &ExpectationOutcome) -> Check {
    Check {
        mark: match (one.held, outcome) {
            (true, _) => Mark::Held,
            (false, Outcome::Inconclusive { .. }) => Mark::Unknown,
            (false, _) => Mark::NotHeld,
        },
        text: one.text.clone(),
        found: one.found.clone(),
        reason: one.reason.clone(),
        because: one.because.clone(),
    }
}
