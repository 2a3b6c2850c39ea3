//! Runs of one experiment with many seeds: what was asked for, a line for each run, and a summary.

mod plan;
mod summary;

use ragdoll_experiment::RunRecord;

pub use plan::{RepeatPlan, RepeatPlanError};
pub use summary::{RepeatSummary, repeat_summary};

/// The record as one line of JSON with its newline: a line of `repeat.jsonl`. It is the same on
/// every machine, since what depends on the machine ([`RunRecord::wall`]) is left out.
pub fn repeat_line(record: &RunRecord) -> String {
    let record = RunRecord {
        wall: None,
        ..record.clone()
    };
    let text = serde_json::to_string(&record);
    text.expect("a record has string keys only, which JSON can always hold") + "\n"
}
