//! What other programs read: JSON and JUnit; and the table of a repeated run.

use crate::common;

use insta::assert_snapshot;
use quick_junit::{NonSuccessKind, Report, TestCaseStatus};
use ragdoll_experiment::{Outcome, RunRecord};
use ragdoll_report::{json, junit, repeat_summary};

fn every_record() -> Vec<RunRecord> {
    vec![
        common::lock_bottleneck(),
        common::failed(),
        common::inconclusive(),
        common::healthy(),
        common::errors_with_traits(),
    ]
}

#[test]
fn json_reads_back_as_the_record() {
    for record in every_record() {
        let text = json(&record);
        let read: RunRecord = serde_json::from_str(&text).expect("the record's own JSON");
        assert!(read == record, "{} reads back changed", record.title);
        assert_eq!(json(&read), text);
    }
}

#[test]
fn json_starts_with_what_identifies_the_run() {
    let text = json(&common::healthy());
    let keys: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("  \""))
        .filter_map(|line| line.trim().split('"').nth(1))
        .collect();
    assert_eq!(keys[..3], ["version", "file", "title"]);
    assert!(text.ends_with("}\n"));
}

fn read(records: &[RunRecord]) -> Report {
    Report::deserialize_from_str(&junit(records)).expect("the report's own JUnit")
}

/// A fault that was left out is a case of its own, and fails where the bottleneck stays.
#[test]
fn junit_has_a_case_for_each_fault_that_was_left_out() {
    let records = [common::replayed(), common::refuted()];
    let report = read(&records);
    let cases = |suite: usize| &report.test_suites[suite].test_cases[5..];
    let success =
        |case: &quick_junit::TestCase| matches!(case.status, TestCaseStatus::Success { .. });
    assert_eq!(cases(0).len(), 2);
    assert!(cases(0).iter().all(success));
    assert_eq!(cases(1).len(), 1);
    assert!(!success(&cases(1)[0]));
    assert_eq!(
        cases(1)[0].name.as_str(),
        "contended without lock_contention on metadata: what caused metadata / lock is accounted for"
    );
}

#[test]
fn parts_with_replays_and_without_do_not_belong_together() {
    let plan = ragdoll_report::RepeatPlan::new(&common::replayed().spec, 7, 2);
    let with = plan.clone().with_counterfactual(true);
    assert!(!plan.to_json().contains("counterfactual"));
    let read = ragdoll_report::RepeatPlan::from_json(&with.to_json());
    assert_eq!(read.as_ref(), Ok(&with));
    let error = plan.expect_same(&with).expect_err("they differ");
    assert!(
        error.to_string().contains("`counterfactual` is `false`"),
        "{error}"
    );
}

#[test]
fn junit_has_a_suite_for_each_run_and_a_case_for_each_expectation() {
    let records = every_record();
    let report = read(&records);
    assert_eq!(report.test_suites.len(), records.len());
    for (suite, record) in report.test_suites.iter().zip(&records) {
        assert_eq!(suite.name.as_str(), record.title);
        assert_eq!(suite.test_cases.len(), record.expectations.len());
        let seed = suite
            .properties
            .iter()
            .find(|one| one.name.as_str() == "seed");
        assert_eq!(seed.map(|one| one.value.as_str()), Some("1"));
        assert!(suite.timestamp.is_none());
    }
}

fn kinds(record: RunRecord) -> Vec<Option<(NonSuccessKind, String)>> {
    let report = read(&[record]);
    let cases = report.test_suites[0].test_cases.iter();
    cases
        .map(|case| match &case.status {
            TestCaseStatus::NonSuccess { kind, message, .. } => Some((
                *kind,
                message.as_ref().map_or("", |one| one.as_str()).to_owned(),
            )),
            _ => None,
        })
        .collect()
}

#[test]
fn what_does_not_hold_is_a_failure_with_its_reason() {
    let record = common::failed();
    let reason = record.expectations[0].reason.clone();
    assert!(!reason.is_empty());
    assert_eq!(kinds(record), [Some((NonSuccessKind::Failure, reason))]);
    assert_eq!(kinds(common::healthy()), [None, None]);
}

#[test]
fn a_run_that_cannot_tell_is_an_error_in_each_case() {
    let mut record = common::inconclusive();
    let Outcome::Inconclusive { reasons } = &mut record.outcome else {
        panic!("the sample is inconclusive");
    };
    reasons.truncate(1);
    let error = Some((NonSuccessKind::Error, reasons[0].clone()));
    assert_eq!(kinds(record), [error.clone(), error]);
}

#[test]
fn a_failed_run_without_expectations_does_not_look_green() {
    let mut record = common::inconclusive();
    record.expectations.clear();
    assert_eq!(kinds(record).len(), 1);
}

#[test]
fn hostile_texts_survive_junit() {
    let mut record = common::failed();
    record.title = "<script>&\"' \u{1b}[2J ]]>".to_owned();
    record.expectations[0].reason = "]]> </failure> & \u{0}".to_owned();
    let report = read(&[record]);
    assert_eq!(report.failures, 1);
    assert!(
        report.test_suites[0]
            .name
            .as_str()
            .starts_with("<script>&\"'")
    );
}

#[test]
fn junit_as_text() {
    assert_snapshot!("junit", junit(&[common::failed(), common::inconclusive()]));
}

#[test]
fn a_table_over_seeds() {
    let seeded = |mut record: RunRecord, seed| {
        record.seed = seed;
        record
    };
    let mut other = seeded(common::inconclusive(), 10);
    other.file = "experiments/metadata_lock.toml".to_owned();
    let runs = [
        seeded(common::lock_bottleneck(), 7),
        seeded(common::lock_bottleneck(), 8),
        seeded(common::failed(), 9),
        other,
    ];
    assert_snapshot!("repeat", repeat_summary(&runs));
    assert_eq!(repeat_summary(&[]), "");
}

#[test]
fn each_file_has_its_own_table() {
    let text = repeat_summary(&[common::healthy(), common::lock_bottleneck()]);
    assert_eq!(
        text.matches("1 run: 1 passed, 0 failed, 0 inconclusive")
            .count(),
        2
    );
}
