//! The analysis for a terminal: what is to blame, then what shows it, then what it rests on.

mod found;
mod ground;
mod load;

use super::record::AnalysisRecord;
use super::texts;
use crate::terminal::page::Page;
use crate::terminal::{TerminalOptions, WIDTH_MIN, bars};

/// Places in the picture of where time goes, besides the rest.
const BARS_MAX: usize = 6;

/// The report for a terminal, with a final newline. Tables have at most `top` rows; what they leave
/// out is counted.
pub fn analysis_terminal(record: &AnalysisRecord, options: &TerminalOptions, top: usize) -> String {
    let mut page = Page::new(options.width.max(WIDTH_MIN), options.colour);
    ground::headline(&mut page, record);
    found::verdict(&mut page, record);
    ground::compared(&mut page, record);
    found::throughput(&mut page, record);
    found::ranked(&mut page, record, top);
    bars::write_judged(&mut page, &[texts::judged(record)], BARS_MAX.min(top));
    found::origins(&mut page, record, top);
    found::structure(&mut page, record, top);
    found::opportunities(&mut page, record, top);
    found::traits(&mut page, record, top);
    load::saturation(&mut page, record, top);
    ground::read(&mut page, record, top);
    ground::notes(&mut page, record);
    page.finish()
}

/// Says how many rows a table leaves out.
fn left_out(page: &mut Page, all: usize, top: usize) {
    use crate::terminal::page::Paint;
    if all > top {
        let text = format!("and {} more; --top {all} shows all", all - top);
        page.line(&[(Paint::Dim, format!("  {text}"))]);
    }
}
