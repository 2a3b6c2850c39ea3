//! What the analyser noticed besides.

use ragdoll_experiment::RunRecord;

use crate::document::{Block, Cut, Heading, Medium, Section};
use crate::record::AnalysisRecord;
use crate::words;

/// Notes of an analysis on a terminal.
const NOTES_MAX: usize = 12;

/// The page's list; a terminal closes with the first of them.
pub(super) fn of_run(record: &RunRecord) -> Option<Section> {
    let notes = words::notes(record);
    section(&notes).map(|section| section.only(Medium::Page))
}

/// Notes of the analyser, then of reading; none twice.
pub(super) fn of_analysis(record: &AnalysisRecord) -> Option<Section> {
    let notes = record.analysis.notes.iter().chain(&record.read.notes);
    section(&words::distinct(notes))
}

fn section(notes: &[&str]) -> Option<Section> {
    let all: Vec<String> = notes.iter().map(|note| (*note).to_owned()).collect();
    let cut = Cut::At(NOTES_MAX, "--json and --html");
    let list = |all| Block::sentences(all, cut, None);
    (!all.is_empty()).then(|| Section::new(Heading::new("Notes", ""), vec![list(all)]).bare())
}
