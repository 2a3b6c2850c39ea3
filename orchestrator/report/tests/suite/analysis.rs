//! The reports on one analysis of other systems' telemetry.

use crate::common;

use crate::common::analysis::{WINDOW, analysis_of, at, record_of, with_findings};
use crate::common::markup::parse;
use ragdoll_analyser::{CallsChange, StructureChange, Verdict};
use ragdoll_report::{AnalysisRecord, Latencies, analysis_html, analysis_json};

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
        "requests are slow because of metadata / lock",
        "requests fail because of reranker / memory",
        "there is no bottleneck",
        "there is too little data to tell: the window has 3 requests",
    ];
    for (record, sentence) in every_record().iter().zip(sentences) {
        let sentence = &format!("In `{WINDOW}`, {sentence}");
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
        "span c-compute",
    ] {
        assert!(pages[0].contains(part), "{part}");
    }
    assert!(
        !pages[3].contains("spread now"),
        "nothing is drawn of no requests"
    );
}

#[test]
fn calls_made_more_or_less_often_are_told_beside_those_that_are_gone() {
    let mut record = record_of(with_findings(analysis_of(&common::healthy())));
    record.analysis.structure.push(StructureChange {
        kind: CallsChange::Number,
        service: "cart".to_owned(),
        operation: "GET /cart".to_owned(),
        called: Some("Price".to_owned()),
        calls: 5.0,
        baseline_calls: 1.0,
        ..StructureChange::default()
    });
    record.analysis.structure.push(StructureChange {
        kind: CallsChange::Shifted,
        service: "cart".to_owned(),
        operation: "GET /item".to_owned(),
        vanished: vec!["SELECT".to_owned()],
        share: 0.87,
        baseline_share: 0.8,
        ..StructureChange::default()
    });
    let (page, text) = (analysis_html(&record), at(200, 5, &record));
    for sentence in ["calls Price 5", "leaves out SELECT 87"] {
        assert!(page.contains(sentence) && text.contains(sentence), "{text}");
    }
    let holes = text
        .split("WHAT IS NO LONGER DONE")
        .nth(1)
        .expect("a table of holes");
    let (table, _) = holes.split_once("CALLS").expect("what comes after it");
    assert!(
        table.contains("Charge, Ship") && !table.contains("SELECT"),
        "{table}"
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
