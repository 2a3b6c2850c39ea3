//! The page on a terminal.

use crate::common;

use insta::assert_snapshot;
use ragdoll_experiment::RunRecord;
use ragdoll_report::{TerminalOptions, terminal};

fn at(width: usize, record: &RunRecord) -> String {
    let options = TerminalOptions {
        width,
        ..TerminalOptions::default()
    };
    terminal(record, &options)
}

#[test]
fn a_lock_bottleneck_that_was_expected() {
    assert_snapshot!("lock_60", at(60, &common::lock_bottleneck()));
    assert_snapshot!("lock_100", at(100, &common::lock_bottleneck()));
}

#[test]
fn an_expectation_that_does_not_hold() {
    assert_snapshot!("failed", at(100, &common::failed()));
}

#[test]
fn a_run_that_cannot_tell() {
    assert_snapshot!("inconclusive", at(100, &common::inconclusive()));
}

#[test]
fn a_healthy_system() {
    assert_snapshot!("healthy", at(100, &common::healthy()));
}

#[test]
fn errors_and_what_the_failing_requests_share() {
    assert_snapshot!("errors", at(100, &common::errors_with_traits()));
}

/// What the page says about replays, and how it begins.
#[test]
fn what_a_run_shows_without_each_of_its_faults() {
    let section = |record: &RunRecord| {
        let page = at(100, record);
        let start = page.find("WITHOUT EACH FAULT").expect("a section");
        let end = page[start..].find("\n\n").expect("a line below it");
        page[start..start + end].to_owned()
    };
    assert_snapshot!("replayed", section(&common::replayed()));
    assert_snapshot!("refuted", section(&common::refuted()));
    let page = at(100, &common::refuted());
    let because = "because the bottleneck metadata / lock of phase `contended` is there without";
    assert!(page.contains(because), "{page}");
    assert!(
        page.contains("--counterfactual"),
        "the replay does the same"
    );
    assert!(!at(100, &common::lock_bottleneck()).contains("WITHOUT EACH"));
}

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
fn no_line_is_longer_than_the_width() {
    for mut record in every_record() {
        record.title = "A title that goes on and on ".repeat(8);
        record.phases[0].name = "a_phase_whose_name_is_far_too_long_for_a_column".to_owned();
        for width in [60, 73, 80, 100, 120, 200] {
            for line in at(width, &record).lines() {
                let columns = line.chars().count();
                assert!(columns <= width, "{columns} columns of {width}: {line}");
                assert_eq!(line, line.trim_end(), "a space at the end");
            }
        }
    }
}

#[test]
fn three_phases_fit_on_a_page() {
    for width in [80, 100, 120] {
        let lines = at(width, &common::lock_bottleneck()).lines().count();
        assert!(lines <= 75, "{lines} lines at width {width}");
    }
}

#[test]
fn colour_adds_escapes_and_changes_nothing_else() {
    for record in every_record() {
        let plain = at(100, &record);
        let options = TerminalOptions {
            colour: true,
            ..TerminalOptions::default()
        };
        let coloured = terminal(&record, &options);
        assert!(!plain.contains('\u{1b}'));
        assert_eq!(without_escapes(&coloured), plain);
        assert_ne!(coloured, plain);
    }
}

fn without_escapes(text: &str) -> String {
    let mut pieces = text.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    let lines: Vec<&str> = plain.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn a_title_cannot_drive_the_terminal() {
    let mut record = common::healthy();
    record.title = "\u{1b}[2Jgone\nPASSED".to_owned();
    let text = at(100, &record);
    assert!(!text.contains('\u{1b}'));
    assert!(
        text.starts_with("PASSED  [2Jgone PASSED · seed 1"),
        "{text}"
    );
}

#[test]
fn the_folder_is_named_where_files_were_written() {
    let options = TerminalOptions {
        folder: Some("out/metadata_lock-7".to_owned()),
        ..TerminalOptions::default()
    };
    let text = terminal(&common::errors_with_traits(), &options);
    assert!(
        text.contains("FILES   in out/metadata_lock-7: traces.otlp.jsonl, "),
        "{text}"
    );
}

/// On a narrow terminal the columns that tell least go, and names stay whole.
#[test]
fn a_narrow_terminal_keeps_what_tells_most() {
    let record = common::lock_bottleneck();
    for width in [60, 66, 72, 80] {
        let page = at(width, &record);
        let (_, phases) = page.split_once("PHASES\n").expect("a table of phases");
        let (phases, _) = phases.split_once("\n\n").expect("what comes after it");
        for name in ["baseline", "contended", "more_users", "p95", "errors"] {
            assert!(phases.contains(name), "{name} at {width} in\n{phases}");
        }
        assert!(page.contains("  contended (4130 ms"), "{page}");
    }
    assert!(!at(60, &record).contains("prec."));
    assert!(at(80, &record).contains("prec."));
}
