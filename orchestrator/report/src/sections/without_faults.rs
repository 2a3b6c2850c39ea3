//! What the run shows without each of its faults.

use ragdoll_experiment::{Finding, RunRecord, WithoutAll, WithoutFault};

use crate::counterfactual::{effect, sentence, verdict};
use crate::document::{Cell, Column, Heading, Medium, Remark, Row, Section, Table, Tone};

/// A row for each fault that was left out, with a remark below each; nothing where the run was not
/// replayed.
pub(super) fn section(record: &RunRecord) -> Option<Section> {
    let counterfactual = record.counterfactual.as_ref()?;
    let mut table = Table::new(vec![
        Column::left("phase"),
        Column::left("left out"),
        Column::left("with it"),
        Column::left("without it"),
        Column::left("so it is"),
    ]);
    for one in &counterfactual.faults {
        let text = format!("{} {}", sentence(one), effect(one));
        let remark = Remark::new(Medium::Both, "    ", text).tone(Tone::Muted);
        table.push(Row::from(without_one(one)).remark(remark));
    }
    for all in &counterfactual.together {
        table.push(without_all(all).into());
    }
    let heading = Heading::new(
        "Without each fault",
        "the same seed again, and what the verdict is then",
    );
    Some(Section::new(heading, vec![table.into()]))
}

fn without_one(one: &WithoutFault) -> Vec<Cell> {
    let tone = match one.finding {
        Finding::Remains | Finding::Felt => Tone::Bad,
        Finding::Unknown => Tone::Unsure,
        Finding::Responsible | Finding::Harmless => Tone::Good,
        _ => Tone::Plain,
    };
    vec![
        Cell::strong(&one.phase),
        Cell::plain(&one.fault),
        Cell::plain(verdict(one.with.as_ref())),
        Cell::plain(verdict(one.without.as_ref())),
        Cell::new(tone, one.finding.name()),
    ]
}

fn without_all(all: &WithoutAll) -> Vec<Cell> {
    let tone = match all.remains {
        true => Tone::Bad,
        false => Tone::Plain,
    };
    vec![
        Cell::plain(&all.phase),
        Cell::plain("all to be felt"),
        Cell::plain(all.with.to_string()),
        Cell::new(tone, all.without.to_string()),
        Cell::plain(""),
    ]
}
