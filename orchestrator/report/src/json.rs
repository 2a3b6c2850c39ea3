use ragdoll_experiment::RunRecord;

/// The record as indented JSON with a final newline: the contents of `run.json`. Keys keep the
/// order of the types' fields.
pub fn json(record: &RunRecord) -> String {
    let mut text = serde_json::to_string_pretty(record)
        .expect("a record has string keys only, which JSON can always hold");
    text.push('\n');
    text
}
