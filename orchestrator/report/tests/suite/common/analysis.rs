//! An analysis to report on.

use ragdoll_analyser::{
    Analysis, Cause, GivenUp, Independence, SerialOpportunity, StructureChange,
};
use ragdoll_experiment::RunRecord;
use ragdoll_report::{
    AnalysisRecord, Latencies, ReadRecord, SourceRecord, TerminalOptions, WindowRecord,
    analysis_terminal,
};

pub(crate) fn analysis_of(record: &RunRecord) -> Analysis {
    let analysis = record.phases[1].analysis.clone();
    analysis.expect("the second phase is compared with the first")
}

fn window(name: &str, start: &str, end: &str) -> WindowRecord {
    WindowRecord {
        name: name.to_owned(),
        start: start.to_owned(),
        end: end.to_owned(),
        seconds: 60.0,
    }
}

fn source(name: &str, baseline: bool) -> SourceRecord {
    SourceRecord {
        name: name.to_owned(),
        baseline,
        format: Some("OTLP JSON".to_owned()),
        compression: baseline.then(|| "gzip".to_owned()),
        spans: 24_000,
        ..SourceRecord::default()
    }
}

/// Durations in milliseconds around `middle_ms`, every twentieth request failed.
fn durations(middle_ms: f64) -> Vec<(f64, bool)> {
    let spread = |at: u32| middle_ms * (0.8 + f64::from(at * 7 % 40) / 100.0);
    (0..400).map(|at| (spread(at), at % 20 == 0)).collect()
}

pub(crate) fn record_of(analysis: Analysis) -> AnalysisRecord {
    AnalysisRecord {
        version: "1.2.3".to_owned(),
        read: ReadRecord {
            sources: vec![source("calm.json.gz", true), source("incident.json", false)],
            notes: vec!["2 lines that end in the middle were left out (incident.json).".to_owned()],
            trace_share: None,
        },
        window: window(
            "incident.json",
            "2026-03-01T10:01:00Z",
            "2026-03-01T10:02:00Z",
        ),
        baseline: window(
            "calm.json.gz",
            "2026-02-28T09:00:00Z",
            "2026-02-28T09:01:00Z",
        ),
        how: "The baseline is a recording of its own.".to_owned(),
        operation: Some("POST /v1/query".to_owned()),
        latencies: Latencies::new(&durations(900.0), &durations(200.0)),
        exemplar: Some(super::lock_bottleneck().exemplars[0].clone()),
        causes: vec![Some(Cause::Straggler), None],
        analysis,
    }
}

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
