//! The reports on one analysis of other systems' telemetry.

mod common;

use common::markup::parse;
use ragdoll_analyser::{
    Analysis, Cause, GivenUp, Independence, SerialOpportunity, StructureChange, Verdict,
};
use ragdoll_experiment::RunRecord;
use ragdoll_report::{
    AnalysisRecord, Latencies, ReadRecord, SourceRecord, TerminalOptions, WindowRecord,
    analysis_html, analysis_json, analysis_terminal,
};

fn analysis_of(record: &RunRecord) -> Analysis {
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

fn record_of(analysis: Analysis) -> AnalysisRecord {
    AnalysisRecord {
        version: "1.2.3".to_owned(),
        read: ReadRecord {
            sources: vec![source("calm.json.gz", true), source("incident.json", false)],
            notes: vec!["2 lines that end in the middle were left out (incident.json).".to_owned()],
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
        exemplar: Some(common::lock_bottleneck().exemplars[0].clone()),
        causes: vec![Some(Cause::Straggler), None],
        analysis,
    }
}

fn with_findings(mut analysis: Analysis) -> Analysis {
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
    });
    analysis
}

fn every_record() -> Vec<AnalysisRecord> {
    let mut few = analysis_of(&common::healthy());
    few.verdict = Verdict::NotEnoughData {
        reason: "the window has 3 requests, and 50 are needed".to_owned(),
    };
    let mut bare = record_of(few);
    bare.latencies = Latencies::default();
    bare.exemplar = None;
    bare.operation = None;
    vec![
        record_of(with_findings(analysis_of(&common::lock_bottleneck()))),
        record_of(analysis_of(&common::errors_with_traits())),
        record_of(analysis_of(&common::healthy())),
        bare,
    ]
}

fn at(width: usize, top: usize, record: &AnalysisRecord) -> String {
    let options = TerminalOptions {
        width,
        ..TerminalOptions::default()
    };
    analysis_terminal(record, &options, top)
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for record in every_record() {
        for width in [60, 80, 100] {
            for line in at(width, 5, &record).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
}

#[test]
fn the_verdict_is_a_sentence_whatever_it_is() {
    let sentences = [
        "In `incident.json`, requests are slow because of metadata / lock",
        "In `incident.json`, requests fail because of reranker / memory",
        "In `incident.json`, there is no bottleneck",
        "In `incident.json`, there is too little data to tell: the window has 3 requests",
    ];
    for (record, sentence) in every_record().iter().zip(sentences) {
        let page = at(200, 5, record);
        assert!(page.contains(sentence), "{sentence} in\n{page}");
    }
}

#[test]
fn what_a_short_table_leaves_out_is_counted() {
    let record = &every_record()[0];
    let instances = record.analysis.saturation.len();
    assert!(instances > 2, "the record has several instances");
    let short = at(100, 1, record);
    let said = format!("and {} more; --top {instances} shows all", instances - 1);
    assert!(short.contains(&said), "{short}");
    assert!(!at(100, 50, record).contains("shows all"));
}

#[test]
fn calls_that_are_no_longer_made_are_told() {
    let record = &every_record()[0];
    let page = at(100, 5, record);
    assert!(page.contains("WHAT IS NO LONGER DONE"), "{page}");
    assert!(page.contains("without Charge, Ship"), "{page}");
    assert!(analysis_html(record).contains("Charge, Ship"));
}

#[test]
fn what_could_be_saved_is_told_in_both_reports() {
    let record = &every_record()[0];
    let terminal = at(400, 5, record);
    let page = analysis_html(record);
    for part in [
        "would save 12.5 ms a request (6 %)",
        "gave up 31 calls of llm",
    ] {
        assert!(terminal.contains(part), "{part} in {terminal}");
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn the_page_is_sound_and_needs_nothing_from_elsewhere() {
    for record in every_record() {
        let page = analysis_html(&record);
        parse(&page).unwrap_or_else(|problem| panic!("{problem}"));
        for foreign in ["<script", "<link", "@import", "src=", "href=", "url(http"] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }
}

#[test]
fn the_page_draws_the_change_and_a_trace() {
    let pages: Vec<String> = every_record().iter().map(analysis_html).collect();
    for part in [
        "spread now",
        "spread before",
        "p95 now",
        "chart waterfall",
        "segment c-lock",
        "span c-straggler",
    ] {
        assert!(pages[0].contains(part), "{part}");
    }
    assert!(
        !pages[3].contains("spread now"),
        "nothing is drawn of no requests"
    );
}

#[test]
fn hostile_names_stay_texts() {
    let evil = "<script>alert(1)</script>\"'&\u{1b}[2J";
    let mut record = record_of(with_findings(analysis_of(&common::errors_with_traits())));
    record.window.name = evil.to_owned();
    record.how = evil.to_owned();
    record.operation = Some(evil.to_owned());
    record.read.notes.push(evil.to_owned());
    record.read.sources[0].name = evil.to_owned();
    record.read.sources[0].skipped = Some(evil.to_owned());
    record.analysis.structure[0].vanished = vec![evil.to_owned()];
    let first = record
        .analysis
        .error_origins
        .first_mut()
        .expect("an origin");
    first.service = evil.to_owned();
    record.analysis.saturation[0].service = evil.to_owned();
    record.analysis.saturation[0].instance = String::new();
    let page = analysis_html(&record);
    let markup = parse(&page).expect("a sound page");
    assert_eq!(markup.count("script"), 0);
    assert!(
        !at(100, 5, &record).contains('\u{1b}'),
        "no escape reaches the terminal"
    );
}

#[test]
fn json_says_all_and_can_be_read_back() {
    for record in every_record() {
        let text = analysis_json(&record);
        let back: AnalysisRecord = serde_json::from_str(&text).expect("what was written");
        assert_eq!(back, record);
        assert!(text.ends_with("}\n"));
    }
}
