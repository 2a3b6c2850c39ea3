//! The page for a browser.

use crate::common;

use crate::common::markup::{Markup, parse};
use ragdoll_analyser::{StructureChange, Verdict};
use ragdoll_experiment::RunRecord;
use ragdoll_report::html;

fn every_record() -> Vec<RunRecord> {
    vec![
        common::lock_bottleneck(),
        common::failed(),
        common::inconclusive(),
        common::healthy(),
        common::errors_with_traits(),
        common::replayed(),
        common::refuted(),
    ]
}

#[test]
fn every_element_is_closed_and_every_text_escaped() {
    for record in every_record() {
        let page = html(&record);
        let markup = parse(&page).unwrap_or_else(|problem| panic!("{}: {problem}", record.title));
        assert_eq!(markup.count("html"), 1);
        assert!(markup.count("svg") >= 3, "{}", record.title);
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    for broken in [
        "<a><b></a></b>",
        "<a>",
        "</a>",
        "<a b=c></a>",
        "x & y",
        "<a>&lt;</a",
    ] {
        assert!(parse(broken).is_err(), "{broken}");
    }
}

#[test]
fn hostile_texts_stay_texts() {
    let evil = "<script>alert(1)</script>\"'&<img src=x onerror=y>";
    let mut record = common::errors_with_traits();
    let calm = parse(&html(&record)).expect("a sound page");
    record.title = evil.to_owned();
    record.description = evil.to_owned();
    record.file = evil.to_owned();
    record.version = evil.to_owned();
    record.expectations[0].text = evil.to_owned();
    record.expectations[0].because = evil.to_owned();
    record.faults[0].target = evil.to_owned();
    record.phases[1].faults[0] = evil.to_owned();
    record.exemplars[0].trace_id = evil.to_owned();
    record.exemplars[0].rows[4].name = evil.to_owned();
    record.exemplars[0].rows[4].service = evil.to_owned();
    record.exemplars[0].rows[9].error = Some(evil.to_owned());
    let analysis = record.phases[1].analysis.as_mut().expect("an analysis");
    analysis.notes = vec![evil.to_owned()];
    analysis.shared_traits[0].condition = evil.to_owned();
    analysis.error_origins[0].error = evil.to_owned();
    analysis.attribution[0].service = evil.to_owned();
    let page = html(&record);
    let markup = parse(&page).expect("a sound page");
    assert_eq!(markup.count("script"), 0);
    assert_eq!(markup.count("img"), 0);
    assert_eq!(markup.count("table"), calm.count("table"));
    assert!(page.contains("&lt;script&gt;alert(1)"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    for record in every_record() {
        let page = html(&record);
        for foreign in ["<script", "<link", "@import", "src=", "href=", "url(http"] {
            assert!(!page.contains(foreign), "{foreign} in {}", record.title);
        }
    }
}

#[test]
fn the_same_record_gives_the_same_page() {
    assert_eq!(
        html(&common::lock_bottleneck()),
        html(&common::lock_bottleneck())
    );
}

fn headings(record: &RunRecord) -> Vec<String> {
    let page = html(record);
    let markup: Markup = parse(&page).expect("a sound page");
    markup.texts_of("h2")
}

#[test]
fn what_is_to_blame_comes_first_and_how_to_repeat_it_last() {
    let record = common::lock_bottleneck();
    let compared = |at: usize| {
        let analysis = record.phases[at].analysis.as_ref().expect("an analysis");
        let (now, before) = (analysis.traces, analysis.baseline_traces);
        format!(
            "{} against baseline: {now} and {before} traces",
            record.phases[at].name
        )
    };
    let all = headings(&record);
    assert_eq!(
        all,
        [
            "Verdict",
            "The run over time",
            "Phases",
            "Expectations 5 of 5 hold",
            "Faults what was injected, and whether anybody felt it",
            compared(1).as_str(),
            compared(2).as_str(),
            "baseline",
            "Run it again",
        ]
    );
}

#[test]
fn what_the_run_shows_without_each_fault_has_a_section_where_it_was_asked_for() {
    let with_replays = html(&common::refuted());
    assert!(with_replays.contains("<h2>Without each fault"));
    assert!(with_replays.contains("the fault is not what the verdict names"));
    assert!(!html(&common::lock_bottleneck()).contains("Without each fault"));
}

/// The page of a run tells of calls what that of an analysis does.
#[test]
fn calls_that_a_run_no_longer_makes_are_on_its_page() {
    let mut record = common::lock_bottleneck();
    let analysis = record.phases[1].analysis.as_mut().expect("an analysis");
    assert!(!analysis.serial_calls.is_empty(), "as the run has them");
    analysis.structure = vec![StructureChange {
        service: "gateway".to_owned(),
        operation: "POST /v1/query".to_owned(),
        vanished: vec!["Rerank".to_owned()],
        ..StructureChange::default()
    }];
    let page = html(&record);
    let parts = parse(&page).expect("a sound page").texts_of("h3");
    for title in ["What is no longer done", "Calls that could run"] {
        assert!(
            parts.iter().any(|part| part.starts_with(title)),
            "{parts:?}"
        );
    }
    assert!(page.contains("<td>Rerank</td>"));
}

#[test]
fn a_run_with_almost_nothing_in_it_is_still_a_page() {
    let mut record = common::healthy();
    record.phases.clear();
    record.expectations.clear();
    record.exemplars.clear();
    assert_eq!(headings(&record), ["Run it again"]);
}

#[test]
fn the_bottleneck_is_marked_in_the_picture_of_the_system() {
    let page = html(&common::lock_bottleneck());
    assert!(page.contains(">bottleneck: lock</text>"));
    let page = html(&common::errors_with_traits());
    assert!(page.contains(">bottleneck: memory</text>"));
    let mut record = common::errors_with_traits();
    let analysis = record.phases[1].analysis.as_mut().expect("an analysis");
    if let Verdict::Bottleneck(found) = &mut analysis.verdict {
        found.instance = Some("reranker-0".to_owned());
    }
    assert!(html(&record).contains(">memory at reranker-0</text>"));
    let page = html(&common::healthy());
    assert!(!page.contains("box bottleneck\""));
}

#[test]
fn an_unknown_expectation_is_neither_held_nor_refuted() {
    let page = html(&common::inconclusive());
    assert!(page.contains(r#"<span class="mark unknown">unknown</span>"#));
    assert!(!page.contains(r#"<span class="mark not-held">"#));
    assert!(page.contains("The run cannot tell: phase <code>baseline</code> had 22 requests"));
}

#[test]
fn a_long_run_is_drawn_in_few_columns() {
    let mut record = common::healthy();
    let point = record.phases[1].timeline[0].clone();
    record.phases[1].duration_s = 3600.0;
    record.phases[1].timeline = (0..3600)
        .map(|second| {
            let mut point = point.clone();
            point.t_s = 60.0 + f64::from(second);
            point
        })
        .collect();
    let page = html(&record);
    let bars = page.matches(r#"class="requests""#).count();
    assert!((200..=460).contains(&bars), "{bars} columns");
}

#[test]
fn a_large_trace_keeps_its_critical_path() {
    let mut record = common::lock_bottleneck();
    record.exemplars.retain(|one| one.phase == "contended");
    let rows = &mut record.exemplars[0].rows;
    let spans = rows.len();
    let mut spare = rows[0].clone();
    spare.name = "spare".to_owned();
    (spare.critical_ms, spare.duration_ms) = (0.0, 0.001);
    rows.extend(std::iter::repeat_n(spare, 200));
    let page = html(&record);
    assert!(page.contains("gen_ai.decode") && page.contains("lock.wait"));
    assert!(
        page.contains(&format!("{} short spans are left out", spans + 200 - 48)),
        "48 are drawn"
    );
}
