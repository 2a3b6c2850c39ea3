//! An analysis to report on.

use ragdoll_analyser::{Analysis, GivenUp, Independence, SerialOpportunity, StructureChange};
use ragdoll_experiment::RunRecord;
use ragdoll_report::{AnalysisRecord, TerminalOptions, analysis_terminal};

pub(crate) fn analysis_of(record: &RunRecord) -> Analysis {
    let analysis = record.phases[1].analysis.clone();
    analysis.expect("the second phase is compared with the first")
}

/// Names of the two windows of [`record_of`].
pub(crate) const WINDOW: &str = "58.9 to 119.9 s";
pub(crate) const BASELINE: &str = "0 to 56.9 s";

/// The record of an analysis of the telemetry of a run, with another analysis in place of its own.
pub(crate) fn record_of(analysis: Analysis) -> AnalysisRecord {
    let text = include_str!("../../records/analysis.json");
    let record: AnalysisRecord = serde_json::from_str(text).expect("a record of an analysis");
    assert_eq!(
        (record.window.name.as_str(), record.baseline.name.as_str()),
        (WINDOW, BASELINE)
    );
    AnalysisRecord { analysis, ..record }
}

/// What none of the runs shows: calls in a row, work for nobody, and calls that are no longer made.
pub(crate) fn with_findings(mut analysis: Analysis) -> Analysis {
    analysis.serial_calls = vec![SerialOpportunity {
        service: "gateway".to_owned(),
        operation: "POST /v1/query".to_owned(),
        calls: vec!["metadata Get".to_owned(), "embedder Embed".to_owned()],
        calls_in_a_row: 2.0,
        saved_ms: 12.5,
        share: 0.06,
        independence: Independence::NotRuledOut,
    }];
    analysis.given_up = vec![GivenUp {
        caller: "gateway".to_owned(),
        callee: "llm".to_owned(),
        calls: 31,
        wasted_ms: 48.0,
        share: 0.11,
    }];
    analysis.structure.push(StructureChange {
        service: "checkout".to_owned(),
        operation: "POST /pay".to_owned(),
        vanished: vec!["Charge".to_owned(), "Ship".to_owned()],
        share: 0.4,
        baseline_share: 0.01,
        spans: 1_200,
        p_value: 1e-9,
        ..StructureChange::default()
    });
    analysis
}

pub(crate) fn at(width: usize, top: usize, record: &AnalysisRecord) -> String {
    let options = TerminalOptions {
        width,
        ..TerminalOptions::default()
    };
    analysis_terminal(record, &options, top)
}
