//! A data set from its folder to the tables.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::{
    Call, QUIET, REQUESTS, Shape, decoy, fault, manifest, truth, write_case, write_zstd,
};
use insta::assert_snapshot;
use ragdoll_analyser::Config;
use ragdoll_score::{
    CaseData, CaseFolder, Cause, Found, Guess, Method, Part, Ranking, Report, Signal, answer,
    find_cases, methods, most_frequent_cause, read_manifest, text, write_manifest,
};
use tempfile::TempDir;

/// One fault, two faults, a decoy alone, and a healthy system.
fn dataset() -> TempDir {
    let folder = TempDir::new().unwrap();
    let dataset = folder.path();
    let slow_rank = Call {
        work_ms: 45,
        ..QUIET.rank
    };
    let slow_search = Call {
        work_ms: 120,
        ..QUIET.search
    };
    let slow = |service| fault(service, "slow", &[Cause::Compute, Cause::Cpu]);
    let one = truth("one", vec![slow("rank")], vec![]);
    write_case(
        dataset,
        &one,
        Shape {
            rank: slow_rank,
            ..QUIET
        },
    );
    let far = fault("rank", "latency", &[Cause::Network]);
    let far_rank = Call {
        network_ms: 40,
        ..QUIET.rank
    };
    let other = truth("other", vec![far], vec![decoy("search")]);
    write_case(
        dataset,
        &other,
        Shape {
            rank: far_rank,
            ..QUIET
        },
    );
    let two = truth("two", vec![slow("rank"), slow("search")], vec![]);
    write_case(
        dataset,
        &two,
        Shape {
            rank: slow_rank,
            search: slow_search,
            caller_records: true,
        },
    );
    write_case(dataset, &truth("decoy", vec![], vec![decoy("rank")]), QUIET);
    write_case(dataset, &truth("healthy", vec![], vec![]), QUIET);
    write_manifest(dataset, &manifest(5)).unwrap();
    folder
}

/// Says what the name of the case stands for here, so that tables do not change with the analyser.
struct Oracle;

impl Method for Oracle {
    fn name(&self) -> &'static str {
        "oracle"
    }

    fn about(&self) -> &'static str {
        "knows some cases by their names"
    }

    fn rank(&self, case: &CaseData) -> Ranking {
        let guess = |service: &str, cause| Guess {
            service: service.to_owned(),
            instance: None,
            cause,
        };
        let guesses = match case.case.as_str() {
            "one" => vec![guess("rank", Cause::Cpu)],
            "other" => vec![
                guess("rank", Cause::Queue),
                guess("gateway", Cause::Compute),
            ],
            "two" => vec![guess("rank", Cause::Compute), guess("rank", Cause::Lock)],
            _ => vec![guess("search", Cause::Compute)],
        };
        let alarm = !["other", "healthy"].contains(&case.case.as_str());
        Ranking { guesses, alarm }
    }
}

fn score(folders: &[PathBuf]) -> (Found, Report) {
    let found = find_cases(folders).unwrap();
    let constant = most_frequent_cause(found.cases.iter().map(|case| &case.expected));
    let mut methods = methods(Config::default(), constant);
    methods[0] = Box::new(Oracle);
    let results: Vec<_> = found
        .cases
        .iter()
        .map(|case| answer(case, &methods))
        .collect();
    let report = Report::new(&found, &methods, constant, &results, true);
    (found, report)
}

/// The report without what differs from folder to folder.
fn text_of(report: &Report, dataset: &Path) -> String {
    text(report).replace(&dataset.display().to_string(), "DIR")
}

#[test]
fn a_case_can_be_shown_as_calls_alone() {
    let folder = dataset();
    let case = CaseFolder::in_dataset(folder.path(), "decoy");
    let line = r#"{"timestamp":"2023-11-14T22:13:21Z","severity":"ERROR","service":"rank","instance":"rank-0","message":"out of memory"}"#;
    let logs = case.telemetry_path(Part::During, Signal::Logs);
    write_zstd(&logs, format!("{line}\n").as_bytes());
    let found = find_cases(&[folder.path().to_owned()]).unwrap();
    let logs_and_spans = |found: &Found| {
        let seen = found.cases[0].load().unwrap().observations;
        (seen.logs.len(), seen.traces.spans().len())
    };
    let (logs, spans) = logs_and_spans(&found);
    assert_eq!(logs, 1);
    let found = found.with_calls_alone();
    assert_eq!(logs_and_spans(&found), (0, spans));
    let report = Report::new(&found, &[], Cause::Queue, &[], false);
    assert!(text(&report).contains("spans of calls alone"));
}

#[test]
fn every_table_is_there() {
    let folder = dataset();
    let (_, report) = score(&[folder.path().to_owned()]);
    assert_snapshot!(text_of(&report, folder.path()), @r"
    5 cases: 2 with one fault, 1 with several, 1 with decoys alone, 1 healthy; 15000 spans
    left out when made: 3 nobody felt the fault

    One fault, service (2 cases)
      method                          Top@1                Top@3                Avg@5
      oracle            100.0 [34.2, 100.0]  100.0 [34.2, 100.0]  100.0 [34.2, 100.0]
      longest_span          0.0 [0.0, 65.8]      0.0 [0.0, 65.8]      0.0 [0.0, 65.8]
      exclusive_growth     50.0 [9.5, 90.5]     50.0 [9.5, 90.5]     50.0 [9.5, 90.5]
      call_growth          50.0 [9.5, 90.5]     50.0 [9.5, 90.5]     50.0 [9.5, 90.5]
      error_growth          0.0 [0.0, 65.8]      0.0 [0.0, 65.8]      0.0 [0.0, 65.8]
      random                0.0 [0.0, 65.8]  100.0 [34.2, 100.0]    80.0 [22.3, 98.2]

    One fault, service and cause (2 cases)
      method                       Top@1             Top@3             Avg@5
      oracle            50.0 [9.5, 90.5]  50.0 [9.5, 90.5]  50.0 [9.5, 90.5]
      longest_span       0.0 [0.0, 65.8]   0.0 [0.0, 65.8]   0.0 [0.0, 65.8]
      exclusive_growth  50.0 [9.5, 90.5]  50.0 [9.5, 90.5]  50.0 [9.5, 90.5]
      call_growth        0.0 [0.0, 65.8]   0.0 [0.0, 65.8]   0.0 [0.0, 65.8]
      error_growth       0.0 [0.0, 65.8]   0.0 [0.0, 65.8]   0.0 [0.0, 65.8]
      random             0.0 [0.0, 65.8]  50.0 [9.5, 90.5]  40.0 [6.3, 86.8]

    One fault, where only an alarm counts (2 cases)
      method                       no alarm           service  service and cause
      oracle               50.0 [9.5, 90.5]  50.0 [9.5, 90.5]   50.0 [9.5, 90.5]
      longest_span          0.0 [0.0, 65.8]   0.0 [0.0, 65.8]    0.0 [0.0, 65.8]
      exclusive_growth      0.0 [0.0, 65.8]  50.0 [9.5, 90.5]   50.0 [9.5, 90.5]
      call_growth          50.0 [9.5, 90.5]  50.0 [9.5, 90.5]    0.0 [0.0, 65.8]
      error_growth      100.0 [34.2, 100.0]   0.0 [0.0, 65.8]    0.0 [0.0, 65.8]
      random                0.0 [0.0, 65.8]   0.0 [0.0, 65.8]    0.0 [0.0, 65.8]

    Several faults, all in the top 3 (1 case)
      method                        service    service and cause
      oracle                0.0 [0.0, 79.3]      0.0 [0.0, 79.3]
      longest_span          0.0 [0.0, 79.3]      0.0 [0.0, 79.3]
      exclusive_growth  100.0 [20.7, 100.0]  100.0 [20.7, 100.0]
      call_growth           0.0 [0.0, 79.3]      0.0 [0.0, 79.3]
      error_growth          0.0 [0.0, 79.3]      0.0 [0.0, 79.3]
      random            100.0 [20.7, 100.0]  100.0 [20.7, 100.0]

    No fault, false alarms (2 cases)
      method                            all              healthy               decoys
      oracle               50.0 [9.5, 90.5]      0.0 [0.0, 79.3]  100.0 [20.7, 100.0]
      longest_span      100.0 [34.2, 100.0]  100.0 [20.7, 100.0]  100.0 [20.7, 100.0]
      exclusive_growth      0.0 [0.0, 65.8]      0.0 [0.0, 79.3]      0.0 [0.0, 79.3]
      call_growth           0.0 [0.0, 65.8]      0.0 [0.0, 79.3]      0.0 [0.0, 79.3]
      error_growth          0.0 [0.0, 65.8]      0.0 [0.0, 79.3]      0.0 [0.0, 79.3]
      random            100.0 [34.2, 100.0]  100.0 [20.7, 100.0]  100.0 [20.7, 100.0]

    One fault, Top@1 by kind of fault: oracle, and the others' service
      kind     cases              service    service and cause  longest_span  exclusive_growth  call_growth  error_growth  random
      latency      1  100.0 [20.7, 100.0]      0.0 [0.0, 79.3]           0.0               0.0        100.0           0.0     0.0
      slow         1  100.0 [20.7, 100.0]  100.0 [20.7, 100.0]           0.0             100.0          0.0           0.0     0.0

    One fault, first answer of oracle by true cause
      compute 1 of 1
      network 0 of 1  queue 1

    One fault, most frequent wrong answers of oracle by kind of fault
      latency  queue at the right service 1

    Wrong answers of oracle (3 cases)
      decoy
        true  decoy: rank
        said  search (search-0), compute
      other
        true  latency: rank, network; decoy: search
        said  no alarm; likeliest rank (rank-0), queue; gateway (gateway-0), compute
      two
        true  slow: rank, compute or cpu; slow: search, compute or cpu
        said  rank (rank-0), compute; rank (rank-0), lock

    Methods
      oracle            knows some cases by their names
      longest_span      votes of the slowest requests, each for its longest span below the root
      exclusive_growth  growth of a service's exclusive time a request
      call_growth       largest growth of client minus server time of a service's operations
      error_growth      growth of a service's failed spans a request
      random            services in random order: the floor
    Percentages with 95 % intervals (Wilson). Ranks count whether or not the method raises an alarm.
    Naive methods give no cause; theirs is always `compute`, the most frequent.
    ");
}

#[test]
fn the_report_survives_json() {
    let folder = dataset();
    let (_, report) = score(&[folder.path().to_owned()]);
    let json = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
}

#[test]
fn shards_count_together() {
    let (first, second) = (dataset(), dataset());
    let (_, report) = score(&[first.path().to_owned(), second.path().to_owned()]);
    assert_eq!(report.cases.total(), 10);
    assert_eq!(report.discarded["nobody felt the fault"], 6);
}

#[test]
fn truth_and_description_are_read_as_written() {
    let folder = dataset();
    let written = truth("one", vec![fault("rank", "slow", &[Cause::Lock])], vec![]);
    let case = CaseFolder::at(folder.path().join("written"));
    case.write_truth(&written).unwrap();
    assert_eq!(case.read_truth().unwrap(), written);
    assert_eq!(read_manifest(folder.path()).unwrap(), manifest(5));
}

#[test]
fn broken_cases_are_told_and_the_others_count() {
    let folder = dataset();
    let case = |name| CaseFolder::in_dataset(folder.path(), name);
    let traces = case("one").telemetry_path(Part::During, Signal::Traces);
    let whole = fs::read(&traces).unwrap();
    fs::write(&traces, &whole[..whole.len() / 2]).unwrap();
    fs::remove_file(case("two").telemetry_path(Part::Before, Signal::Traces)).unwrap();
    let other = fs::read_to_string(case("other").truth_path()).unwrap();
    let spoilt = other.replace("\"network\"", "\"gremlins\"");
    fs::write(case("other").truth_path(), spoilt).unwrap();
    fs::remove_dir_all(case("decoy").path()).unwrap();

    let (_, report) = score(&[folder.path().to_owned()]);
    assert_eq!(report.cases.total(), 1);
    let dir = folder.path().display().to_string();
    let problems = report.problems.join("\n").replace(&dir, "DIR");
    let (from, to) = (problems.find("one of `"), problems.find(" at line"));
    let causes = &problems[from.unwrap() + "one of ".len()..to.unwrap()];
    assert!(causes.contains("`network`"), "{causes}");
    assert_snapshot!(problems.replace(causes, "CAUSES"), @r"
    DIR/dataset.json: `cases` is 5, but 4 folders of cases are there; copy the data set again, or make it again
    DIR/cases/other/truth.json: unknown variant `gremlins`, expected one of CAUSES at line 16 column 18; make the case again, or remove its folder
    DIR/cases/one/during.traces.otlp.jsonl.zst, line 1: it ends in the middle, as when its writer was stopped; make the case again, or remove its folder
    DIR/cases/two/before.traces.otlp.jsonl.zst: cannot be read: entity not found; is the name right, and is the case complete?
    ");
}

#[test]
fn unpacked_telemetry_is_read_as_well() {
    let folder = dataset();
    let case = CaseFolder::in_dataset(folder.path(), "one");
    let packed = case.telemetry_path(Part::During, Signal::Traces);
    let plain = zstd::decode_all(&fs::read(&packed).unwrap()[..]).unwrap();
    fs::write(packed.with_extension(""), plain).unwrap();
    fs::remove_file(&packed).unwrap();
    let (_, report) = score(&[folder.path().to_owned()]);
    assert_eq!(report.problems, Vec::<String>::new());
    assert_eq!(report.cases.total(), 5);
}

#[test]
fn logs_and_metrics_reach_the_methods() {
    let folder = dataset();
    let case = CaseFolder::in_dataset(folder.path(), "one");
    let line = r#"{"timestamp":"2023-11-14T22:13:21Z","severity":"WARN","service":"rank","instance":"rank-0","message":"slow"}"#;
    write_zstd(
        &case.telemetry_path(Part::During, Signal::Logs),
        line.as_bytes(),
    );
    let found = find_cases(&[folder.path().to_owned()]).unwrap();
    let one = found.cases.iter().find(|case| case.expected.case == "one");
    let data = one.unwrap().load().unwrap();
    assert_eq!(data.observations.logs.len(), 1);
    assert_eq!(
        data.observations.traces.spans().len() as u64,
        2 * 5 * REQUESTS
    );
}

#[test]
fn folders_of_something_else_are_refused() {
    let folder = TempDir::new().unwrap();
    let refused = |folder: &Path| {
        let error = find_cases(&[folder.to_owned()]).unwrap_err().to_string();
        error.replace(&folder.display().to_string(), "DIR")
    };
    assert_snapshot!(refused(folder.path()), @"DIR: neither `dataset.json` nor `labels.json` is there; give the folder that `ragdoll dataset --out` wrote, or one of labelled incidents");
    let mut other = manifest(0);
    other.format = 9;
    write_manifest(folder.path(), &other).unwrap();
    assert_snapshot!(refused(folder.path()), @"DIR/dataset.json: `format` is 9, and this program reads 1; use the program that made it (ragdoll 0.1.0), or make it again with this one");
}
