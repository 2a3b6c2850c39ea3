//! Labelled incidents of other systems.

use std::fs;
use std::path::Path;

use crate::common::{Call, QUIET, REQUESTS, Shape, otlp, write_gzip};
use ragdoll_analyser::Config;
use ragdoll_score::{Case, Cause, Part, answer, find_cases, methods};
use tempfile::TempDir;

/// An incident at `rank` with this many requests before it, and a quiet time elsewhere.
fn incident(requests_before: u64, kind: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let case = folder.path().join("a");
    fs::create_dir(&case).unwrap();
    let slow = Call {
        work_ms: 45,
        ..QUIET.rank
    };
    let during = Shape {
        rank: slow,
        ..QUIET
    };
    write_gzip(
        &case.join("before.otlp.jsonl.gz"),
        &otlp(Part::Before, requests_before, QUIET),
    );
    write_gzip(
        &case.join("after.otlp.jsonl.gz"),
        &otlp(Part::During, REQUESTS, during),
    );
    write_gzip(
        &folder.path().join("quiet.gz"),
        &otlp(Part::Before, 200, QUIET),
    );
    let labels = format!(
        r#"{{"a": {{"service": "rank", "instance": "rank-0", "type": "{kind}", "normal": "quiet.gz"}}}}"#
    );
    fs::write(folder.path().join("labels.json"), labels).unwrap();
    folder
}

fn only_case(folder: &Path) -> Case {
    let mut found = find_cases(&[folder.to_owned()]).unwrap();
    assert_eq!(found.cases.len(), 1);
    found.cases.remove(0)
}

#[test]
fn the_baseline_is_the_time_before_where_that_suffices() {
    let spans = |requests_before| {
        let folder = incident(requests_before, "cpu_contention");
        let data = only_case(folder.path()).load().unwrap();
        data.observations.traces.spans().len() as u64
    };
    assert_eq!(spans(120), 5 * (120 + REQUESTS));
    assert_eq!(spans(99), 5 * (200 + REQUESTS), "99 traces are too few");
    assert_eq!(spans(0), 5 * (200 + REQUESTS), "an empty file");
}

#[test]
fn the_windows_are_those_of_the_spans() {
    let folder = incident(0, "cpu_contention");
    let data = only_case(folder.path()).load().unwrap();
    assert!(data.before.start_ns < data.before.end_ns);
    assert!(data.before.end_ns <= data.during.start_ns);
    let (before, during) = (data.before, data.during);
    let spans = data.observations.traces.spans().iter();
    let outside = spans.filter(|span| {
        ![before, during]
            .iter()
            .any(|window| (window.start_ns..window.end_ns).contains(&span.start_ns))
    });
    assert_eq!(outside.count(), 0);
}

#[test]
fn whoever_names_a_service_of_one_instance_names_the_instance() {
    let folder = incident(200, "cpu_contention");
    let case = only_case(folder.path());
    let answered = answer(&case, &methods(Config::default(), Cause::Compute)).unwrap();
    let analyser = &answered.answers[0].guesses[0];
    assert_eq!(analyser.service, "rank");
    assert_eq!(analyser.instance.as_deref(), Some("rank-0"));
}

#[test]
fn causes_follow_from_the_type() {
    for (kind, causes) in [
        ("cpu_contention", vec![Cause::Cpu, Cause::Compute]),
        ("network_delay", vec![Cause::Network]),
        ("return", vec![Cause::Errors]),
        ("sabotage", vec![]),
    ] {
        let folder = incident(200, kind);
        let expected = only_case(folder.path()).expected;
        assert_eq!(expected.faults[0].causes, causes, "{kind}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let folder = incident(0, "return");
    fs::remove_file(folder.path().join("quiet.gz")).unwrap();
    let error = only_case(folder.path()).load().unwrap_err().to_string();
    assert!(error.contains("quiet.gz cannot be opened"), "{error}");
}
