//! What the run shows without each of its faults.

use super::page::{Page, Paint, Piece};
use super::plain;
use super::table::{Side, Table};
use crate::counterfactual::{effect, sentence, verdict};
use ragdoll_experiment::{Finding, RunRecord, WithoutFault};

/// A table with a row for each fault that was left out and a remark below each; nothing where the
/// run was not replayed.
pub(super) fn write(page: &mut Page, record: &RunRecord) {
    let Some(counterfactual) = &record.counterfactual else {
        return;
    };
    page.heading(
        "WITHOUT EACH FAULT",
        "the same seed again, and what the verdict is then",
    );
    let mut table = Table::new(&[
        ("phase", Side::Left),
        ("left out", Side::Left),
        ("with it", Side::Left),
        ("without it", Side::Left),
        ("so it is", Side::Left),
    ]);
    for one in &counterfactual.faults {
        table.row(row(one));
    }
    for all in &counterfactual.together {
        let paint = if all.remains {
            Paint::Bad
        } else {
            Paint::Plain
        };
        table.row(vec![
            plain(&all.phase),
            plain("all to be felt"),
            plain(&all.with.to_string()),
            (paint, all.without.to_string()),
            plain(""),
        ]);
    }
    table.write(page, |page, row| {
        if let Some(one) = counterfactual.faults.get(row) {
            let text = format!("{} {}", sentence(one), effect(one));
            page.paragraph(&[plain("    ")], Paint::Dim, &text);
        }
    });
}

fn row(one: &WithoutFault) -> Vec<Piece> {
    let paint = match one.finding {
        Finding::Remains | Finding::Felt => Paint::Bad,
        Finding::Unknown => Paint::Unsure,
        Finding::Responsible | Finding::Harmless => Paint::Good,
        _ => Paint::Plain,
    };
    vec![
        (Paint::Bold, one.phase.clone()),
        plain(&one.fault),
        plain(&verdict(one.with.as_ref())),
        plain(&verdict(one.without.as_ref())),
        (paint, one.finding.name().to_owned()),
    ]
}
