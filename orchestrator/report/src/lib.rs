//! Reports on a run, and on an analysis of other systems' telemetry. Each is a document: sections
//! made once from a [`RunRecord`] or an [`AnalysisRecord`] and from nothing else, and shown by one
//! renderer for terminals and one for browsers, so that the two cannot disagree. Nothing here reads a
//! file, looks at a clock or prints.

mod agree;
mod causes;
mod columns;
mod counterfactual;
mod document;
mod figures;
mod html;
mod instances;
mod json;
mod junit;
mod latencies;
mod load;
mod meaning;
mod pictures;
mod record;
mod repeat;
mod sections;
mod terminal;
mod words;

use ragdoll_experiment::RunRecord;

pub use agree::Agreement;
pub use columns::aligned;
pub use json::{analysis_json, json};
pub use junit::junit;
pub use latencies::{Latencies, LatencyBucket, Requests};
pub use record::{AnalysisRecord, ReadRecord, SourceRecord, WindowRecord};
pub use repeat::{RepeatPlan, RepeatPlanError, RepeatSummary, repeat_line, repeat_summary};
pub use terminal::TerminalOptions;

/// The report of a run for a terminal, with a final newline.
pub fn terminal(record: &RunRecord, options: &TerminalOptions) -> String {
    let document = sections::of_run(record, options.folder.as_deref());
    terminal::render(&document, options, usize::MAX)
}

/// The report of a run as one HTML file that works offline and in print.
pub fn html(record: &RunRecord) -> String {
    html::render(&sections::of_run(record, None))
}

/// The report of an analysis for a terminal, with a final newline. Lists have at most `top` entries;
/// what they leave out is counted.
pub fn analysis_terminal(record: &AnalysisRecord, options: &TerminalOptions, top: usize) -> String {
    terminal::render(&sections::of_analysis(record), options, top)
}

/// The report of an analysis as one HTML file that works offline and in print.
pub fn analysis_html(record: &AnalysisRecord) -> String {
    html::render(&sections::of_analysis(record))
}
