//! The page that somebody tired reads from the top: how it ended, what is to blame, and only then
//! the figures.

pub(crate) mod bars;
mod counterfactual;
pub(crate) mod page;
pub(crate) mod sections;
pub(crate) mod table;

use page::{Page, Paint};
use ragdoll_experiment::RunRecord;

/// How the page is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Columns that no line exceeds; below 60 counts as 60.
    pub width: usize,
    /// Whether ANSI colours are used.
    pub colour: bool,
    /// The output folder, where files were written.
    pub folder: Option<String>,
}

impl Default for TerminalOptions {
    fn default() -> Self {
        TerminalOptions {
            width: 100,
            colour: false,
            folder: None,
        }
    }
}

pub(crate) const WIDTH_MIN: usize = 60;

/// The report of a run for a terminal, with a final newline.
pub fn terminal(record: &RunRecord, options: &TerminalOptions) -> String {
    let mut page = Page::new(options.width.max(WIDTH_MIN), options.colour);
    sections::headline(&mut page, record);
    sections::verdicts(&mut page, record);
    sections::phases(&mut page, record);
    bars::write(&mut page, record);
    sections::expectations(&mut page, record);
    sections::faults(&mut page, record);
    counterfactual::write(&mut page, record);
    sections::closing(&mut page, record, options.folder.as_deref());
    page.finish()
}

pub(crate) fn plain(text: &str) -> page::Piece {
    (Paint::Plain, text.to_owned())
}
