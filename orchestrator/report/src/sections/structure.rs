//! What is no longer done: calls that operations stopped making.

use ragdoll_analyser::{CallsChange, StructureChange};

use crate::document::{Cell, Column, Cut, Heading, Medium, Remark, Row, Section, Table};
use crate::figures::{chance, count, share};
use crate::words::Judged;

pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let changes = judged.analysis.structure.iter();
    let holes: Vec<&StructureChange> = changes
        .filter(|change| change.kind == CallsChange::Vanished)
        .collect();
    if holes.is_empty() {
        return None;
    }
    let mut table = Table::new(vec![
        Column::left("service"),
        Column::left("operation"),
        Column::left("without").only(Medium::Page),
        Column::right("spans"),
        Column::right("share now").short("without"),
        Column::right("before"),
        Column::right("by chance"),
    ]);
    table.cut = Cut::Top;
    for hole in holes {
        table.push(row(hole));
    }
    let heading = Heading::new(
        "What is no longer done",
        "calls that operations stopped making",
    );
    Some(Section::new(heading, vec![table.into()]))
}

fn row(hole: &StructureChange) -> Row {
    let vanished = hole.vanished.join(", ");
    let cells = vec![
        Cell::strong(&hole.service),
        Cell::plain(&hole.operation),
        Cell::plain(&vanished),
        Cell::plain(count(hole.spans)),
        Cell::plain(share(hole.share)),
        Cell::plain(share(hole.baseline_share)),
        Cell::plain(chance(hole.p_value)),
    ];
    Row::from(cells).remark(Remark::new(Medium::Terminal, "    without ", vanished))
}
