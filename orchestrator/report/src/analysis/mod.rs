//! Reports on one analysis of anyone's telemetry: functions of one [`AnalysisRecord`] and of nothing
//! else, as those on a run are of its record.

mod distribution;
mod html;
mod latency;
mod record;
mod series;
mod terminal;
mod texts;

pub use html::analysis_html;
pub use latency::{Latencies, LatencyBucket, Requests};
pub use record::{AnalysisRecord, ReadRecord, SourceRecord, WindowRecord};
pub use terminal::analysis_terminal;

/// The record as indented JSON with a final newline. Keys keep the order of the types' fields.
pub fn analysis_json(record: &AnalysisRecord) -> String {
    let mut text = serde_json::to_string_pretty(record)
        .expect("a record has string keys only, which JSON can always hold");
    text.push('\n');
    text
}
