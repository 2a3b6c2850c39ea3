use ragdoll_experiment::RunRecord;
use serde::Serialize;

use crate::record::AnalysisRecord;

/// The record as indented JSON with a final newline: the contents of `run.json`. Keys keep the
/// order of the types' fields.
pub fn json(record: &RunRecord) -> String {
    indented(record)
}

/// The record as indented JSON with a final newline. Keys keep the order of the types' fields.
pub fn analysis_json(record: &AnalysisRecord) -> String {
    indented(record)
}

fn indented(record: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(record)
        .expect("a record has string keys only, which JSON can always hold");
    text.push('\n');
    text
}
