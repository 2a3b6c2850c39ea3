//! Reports on a run: functions of one [`RunRecord`](ragdoll_experiment::RunRecord) and of nothing
//! else, so that the page, the terminal and JUnit cannot disagree. Those on an analysis of other
//! systems' telemetry are functions of one [`AnalysisRecord`]. None of them reads a file, looks at a
//! clock or prints.

mod agree;
mod analysis;
mod causes;
mod counterfactual;
mod figures;
mod html;
mod instances;
mod json;
mod junit;
mod load;
mod meaning;
mod repeat;
mod terminal;
mod words;

pub use agree::Agreement;
pub use analysis::{
    AnalysisRecord, Latencies, LatencyBucket, ReadRecord, Requests, SourceRecord, WindowRecord,
    analysis_html, analysis_json, analysis_terminal,
};
pub use html::html;
pub use json::json;
pub use junit::junit;
pub use repeat::{RepeatPlan, RepeatPlanError, RepeatSummary, repeat_line, repeat_summary};
pub use terminal::{TerminalOptions, terminal};
