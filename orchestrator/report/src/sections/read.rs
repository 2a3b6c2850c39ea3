//! What was read, source by source, and what was not as it should be.

use std::collections::BTreeMap;

use crate::document::{Cell, Column, Cut, Heading, Medium, Ornament, Row, Section, Table, Tone};
use crate::figures::count;
use crate::record::{AnalysisRecord, SourceRecord};
use crate::words::end_of;

/// Columns that a terminal has for a source's name.
const NAME_MAX: usize = 36;

/// A terminal has room for the number of oddities, the page for their kinds.
const COLUMNS: [Column; 11] = [
    Column::left("source").only(Medium::Terminal).ends(),
    Column::left("source").only(Medium::Page),
    Column::left("part").spare(2),
    Column::left("format"),
    Column::right("spans"),
    Column::right("logs"),
    Column::right("metrics").spare(3),
    Column::right("dropped").only(Medium::Terminal),
    Column::left("dropped").only(Medium::Page),
    Column::right("oddities").only(Medium::Terminal),
    Column::left("oddities").only(Medium::Page),
];

pub(super) fn section(record: &AnalysisRecord) -> Section {
    let mut table = Table::new(COLUMNS.to_vec());
    table.cut = Cut::Top;
    // What was not read is told by a note as well.
    let mut sources: Vec<&SourceRecord> = record.read.sources.iter().collect();
    sources.sort_by_key(|source| source.skipped.is_some());
    for source in sources {
        table.push(row(source));
    }
    let heading = Heading::new("What was read", "").short("Read", "");
    Section::new(heading, vec![table.into()])
}

fn row(source: &SourceRecord) -> Row {
    let number = |value: u64| Cell::or_dash((value > 0).then(|| count(value)));
    let unsure = |text: String| match text.as_str() {
        "" | "0" => Cell::muted("–"),
        _ => Cell::new(Tone::Unsure, text),
    };
    let sum = |kinds: &BTreeMap<String, u64>| unsure(count(kinds.values().sum()));
    let oddities = source.skipped.clone().unwrap_or(words(&source.repaired));
    let format = match source.format {
        Some(_) => Cell::plain(format(source)),
        None => Cell::new(Tone::Unsure, format(source)),
    };
    let part = if source.baseline {
        "baseline"
    } else {
        "window"
    };
    let cells = vec![
        Cell::strong(end_of(&source.name, NAME_MAX)),
        Cell::plain(&source.name).with(Ornament::Code),
        Cell::plain(part),
        format,
        number(source.spans),
        number(source.log_events),
        number(source.metric_points),
        sum(&source.dropped),
        unsure(words(&source.dropped)),
        sum(&source.repaired),
        Cell::or_dash(Some(oddities).filter(|text| !text.is_empty())),
    ];
    cells.into()
}

fn words(kinds: &BTreeMap<String, u64>) -> String {
    let words = kinds
        .iter()
        .map(|(kind, number)| format!("{kind} × {}", count(*number)));
    words.collect::<Vec<_>>().join(", ")
}

/// What a source turned out to be, such as `OTLP JSON, gzip`.
fn format(source: &SourceRecord) -> String {
    match (&source.format, &source.compression) {
        (Some(format), Some(compression)) => format!("{format}, {compression}"),
        (Some(format), None) => format.clone(),
        (None, _) if source.skipped.is_some() => "not read".to_owned(),
        (None, _) => "empty".to_owned(),
    }
}
