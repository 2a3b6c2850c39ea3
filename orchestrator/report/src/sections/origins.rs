//! Where failing requests go wrong first.

use ragdoll_analyser::ErrorOrigin;

use crate::document::{
    Cell, Column, Cut, Heading, Medium, Ornament, Remark, Row, Section, Table, Tone,
};
use crate::figures::count;
use crate::words::Judged;

const ROWS_MAX: usize = 5;

pub(super) fn section(judged: Judged<'_>) -> Option<Section> {
    let origins = &judged.analysis.error_origins;
    if origins.is_empty() {
        return None;
    }
    let mut table = Table::new(vec![
        Column::left("service"),
        Column::left("error"),
        Column::right("requests"),
        Column::left("passed on by"),
        Column::left("example").only(Medium::Page),
    ]);
    (table.cut, table.most) = (Cut::Top, Some(ROWS_MAX));
    for origin in origins {
        table.push(row(origin));
    }
    let heading = Heading::new(
        "Where failing requests go wrong first",
        "and who passed the error on",
    );
    Some(Section::new(heading, vec![table.into()]))
}

fn row(origin: &ErrorOrigin) -> Row {
    let trace = origin.example_traces.first();
    let example = trace.map_or_else(Cell::default, |trace| {
        Cell::plain(trace).with(Ornament::Code)
    });
    let remark = trace.cloned().unwrap_or_default();
    let cells = vec![
        Cell::strong(&origin.service),
        Cell::plain(&origin.error),
        Cell::plain(count(origin.requests)),
        Cell::plain(origin.path.join(" → ")),
        example,
    ];
    let remark = Remark::new(Medium::Terminal, "    trace ", remark).tone(Tone::Accent);
    Row::from(cells).remark(remark)
}
