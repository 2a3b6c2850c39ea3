use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};
use ragdoll_experiment::{ExpectationOutcome, Finding, Outcome, RunRecord, WithoutFault};

use crate::{counterfactual, words};

/// The runs as JUnit XML: a test suite for each run, a test case for each expectation, and one for
/// each fault that was left out in a replay. What does
/// not hold is a failure; a run that cannot tell makes each of its cases an error, the expectations
/// that seem to hold included. There are no times in it: the same runs give the same bytes.
pub fn junit(records: &[RunRecord]) -> String {
    let mut report = Report::new("ragdoll");
    report.add_test_suites(records.iter().map(suite));
    report
        .to_string()
        .expect("XML that is written to memory cannot fail: every string in it is cleaned")
}

fn suite(record: &RunRecord) -> TestSuite {
    let mut suite = TestSuite::new(record.title.as_str());
    suite.add_properties([
        Property::new("file", record.file.as_str()),
        Property::new("seed", record.seed.to_string()),
        Property::new("version", record.version.as_str()),
        Property::new("ground", record.ground.as_str()),
        Property::new("outcome", record.outcome.name()),
        Property::new("replay", words::replay(record)),
    ]);
    let cases = record.expectations.iter().map(|one| case(record, one));
    suite.add_test_cases(cases);
    let replayed = record.counterfactual.iter();
    let replayed = replayed.flat_map(|counterfactual| &counterfactual.faults);
    suite.add_test_cases(replayed.map(|one| case(record, &without(one))));
    if record.expectations.is_empty() && record.outcome != Outcome::Passed {
        let run = ExpectationOutcome {
            text: "run".to_owned(),
            because: String::new(),
            held: false,
            found: String::new(),
            reason: String::new(),
        };
        suite.add_test_case(case(record, &run));
    }
    let verdicts: Vec<String> = words::judged(record)
        .into_iter()
        .map(words::sentence)
        .collect();
    if !verdicts.is_empty() {
        suite.set_system_out(verdicts.join("\n"));
    }
    suite
}

/// A fault that was left out, as something that was expected of the run.
fn without(one: &WithoutFault) -> ExpectationOutcome {
    let held = !one.finding.is_failure() && one.finding != Finding::Unknown;
    let sentence = counterfactual::sentence(one);
    ExpectationOutcome {
        text: counterfactual::case(one),
        because: String::new(),
        held,
        found: format!("{sentence} {}", counterfactual::effect(one)),
        reason: if held { String::new() } else { sentence },
    }
}

fn case(record: &RunRecord, one: &ExpectationOutcome) -> TestCase {
    let mut case = TestCase::new(one.text.as_str(), status(&record.outcome, one));
    case.set_classname(class_name(&record.file));
    case
}

fn status(outcome: &Outcome, one: &ExpectationOutcome) -> TestCaseStatus {
    let (kind, ty, message) = match outcome {
        Outcome::Inconclusive { reasons } => {
            (NonSuccessKind::Error, "inconclusive", reasons.join("\n"))
        }
        _ if one.held => return TestCaseStatus::success(),
        _ => (NonSuccessKind::Failure, "not held", one.reason.clone()),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty).set_message(message);
    let details: Vec<String> = [
        ("found", &one.found),
        ("reason", &one.reason),
        ("expected because", &one.because),
    ]
    .into_iter()
    .filter(|(_, text)| !text.is_empty())
    .map(|(label, text)| format!("{label}: {text}"))
    .collect();
    if !details.is_empty() {
        status.set_description(details.join("\n"));
    }
    status
}

/// `experiments/metadata_lock.toml` as `experiments.metadata_lock`, which readers of JUnit show as
/// a tree.
fn class_name(file: &str) -> String {
    let stem = file.strip_suffix(".toml").unwrap_or(file);
    let parts: Vec<&str> = stem
        .split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != "." && *part != "..")
        .collect();
    parts.join(".")
}
