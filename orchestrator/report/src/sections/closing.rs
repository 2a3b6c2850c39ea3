//! What comes last: notes, files, and how to see it again.

use ragdoll_experiment::{Outcome, RunRecord};

use crate::document::{Block, Cell, Column, Heading, Medium, Ornament, Section, Table, Tone};
use crate::words;

const NOTES_MAX: usize = 4;

/// The command that runs the same again, and the run's files, on the page.
pub(super) fn again(record: &RunRecord) -> Section {
    let mut blocks = vec![Block::command(words::replay(record))];
    if !record.files.is_empty() {
        let mut table = Table::new(vec![Column::left(""), Column::left("")]);
        table.class = "files";
        for file in &record.files {
            let name = Cell::plain(&file.name).with(Ornament::Code);
            table.push(vec![name, Cell::plain(&file.what)].into());
        }
        blocks.push(table.into());
    }
    let heading = Heading::new("Run it again", "");
    Section::new(heading, blocks).bare().only(Medium::Page)
}

/// A line or two each, so it goes without headings on a terminal.
pub(super) fn section(record: &RunRecord, folder: Option<&str>) -> Section {
    let labelled = |label: &str, tone: Tone, text: &str| {
        Block::led(vec![(Tone::Strong, format!("{label:<8}"))], tone, text)
    };
    let mut blocks = Vec::new();
    let notes = words::notes(record);
    for (index, note) in notes.iter().take(NOTES_MAX).enumerate() {
        let label = if index == 0 { "NOTES" } else { "" };
        blocks.push(labelled(label, Tone::Plain, note));
    }
    if notes.len() > NOTES_MAX {
        let text = format!("and {} more in run.json", notes.len() - NOTES_MAX);
        blocks.push(labelled("", Tone::Muted, &text));
    }
    if !record.files.is_empty() {
        let names: Vec<&str> = record.files.iter().map(|file| file.name.as_str()).collect();
        let names = names.join(", ");
        let text = folder.map_or(names.clone(), |folder| format!("in {folder}: {names}"));
        blocks.push(labelled("FILES", Tone::Plain, &text));
    }
    if record.outcome != Outcome::Passed {
        blocks.push(labelled("REPLAY", Tone::Accent, &words::replay(record)));
    }
    Section {
        heading: None,
        ..Section::new(Heading::new("", ""), blocks)
    }
    .only(Medium::Terminal)
}
