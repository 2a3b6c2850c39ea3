//! From measurements to the outcome of a run: what passes, what fails, and what cannot tell.

use std::path::Path;

use proptest::prelude::*;
use ragdoll_analyser::{
    Analysis, Attribution, Bottleneck, Cause, ErrorOrigin, Question, ServiceLoad, SharedTrait,
    Verdict,
};
use ragdoll_experiment::{
    Comparison, Experiment, Indicator, Journal, JournalEntry, Measurements, Outcome,
    RequestOutcome, RunRecord, UtilizationSample, judge,
};

use crate::common::TestCatalog;

const FILE: &str = r#"
title = "A lock that is held too long"
seed = 11

[[phases]]
name = "steady"
duration_s = 60.0

[[phases]]
name = "contention"
duration_s = 60.0

[[phases.faults]]
kind = "lock_contention"
target = { service = "metadata" }
params = { hold = { fixed = { ms = 40.0 } } }
"#;

const LOCK_EXPECTED: &str = r#"
[[expect]]
phase = "contention"
verdict = "bottleneck"
service = "metadata"
cause = "lock"
min_share = 0.5
because = "the lock is held for 40 ms"

[[expect]]
holds = "contention.p95_ms > 1.5 * steady.p95_ms && contention.utilization.llm < 0.5"
"#;

fn experiment(expectations: &str) -> Experiment {
    let text = format!("{FILE}{expectations}");
    Experiment::parse(&text, Path::new("lock.toml"), &TestCatalog)
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn lock_bottleneck() -> Bottleneck {
    Bottleneck {
        service: "metadata".to_owned(),
        instance: None,
        cause: Cause::Lock,
        question: Question::Latency,
        share: 0.62,
        baseline_share: 0.04,
        explains: 0.9,
        confidence: 1.0,
        evidence: Vec::new(),
        example_traces: Vec::new(),
    }
}

fn analysis(verdict: Verdict) -> Analysis {
    let part = |service: &str, cause, mean_ms, baseline_mean_ms| Attribution {
        service: service.to_owned(),
        cause,
        tail_ms: 0.0,
        baseline_tail_ms: 0.0,
        mean_ms,
        baseline_mean_ms,
    };
    Analysis {
        operation: None,
        traces: 1200,
        baseline_traces: 1200,
        latency: verdict.bottleneck().cloned(),
        verdict,
        errors: None,
        throughput: None,
        ranked: Vec::new(),
        structure: Vec::new(),
        serial_calls: Vec::new(),
        given_up: Vec::new(),
        attribution: vec![
            part("metadata", Cause::Lock, 60.0, 10.0),
            part("metadata", Cause::Compute, 20.0, 10.0),
            part("vector-db", Cause::Compute, 20.0, 60.0),
        ],
        error_origins: vec![
            ErrorOrigin {
                service: "reranker".to_owned(),
                error: "UNAVAILABLE".to_owned(),
                requests: 9,
                path: Vec::new(),
                example_traces: Vec::new(),
            },
            ErrorOrigin {
                service: "llm".to_owned(),
                error: "503".to_owned(),
                requests: 3,
                path: Vec::new(),
                example_traces: Vec::new(),
            },
        ],
        shared_traits: vec![SharedTrait {
            attribute: "rag.documents.size_bytes".to_owned(),
            condition: ">= 51200".to_owned(),
            share_affected: 0.97,
            share_others: 0.03,
            p_value: 1e-9,
        }],
        saturation: Vec::new(),
        load: ServiceLoad::default(),
        series: None,
        notes: Vec::new(),
    }
}

/// A request each 50 ms of about 100 ms; those of the second phase take `slower_ms` more.
fn load(every_us: usize, slower_ms: u64) -> Vec<RequestOutcome> {
    let request = |at: u64| RequestOutcome {
        intended_us: at,
        latency_us: 80_000
            + (at / 50_000 * 7919) % 40_000
            + if at < 60_000_000 { 0 } else { slower_ms * 1000 },
        error: None,
        recall: Some(0.9),
        precision: Some(0.8),
    };
    (0..120_000_000)
        .step_by(every_us)
        .map(|at| request(at as u64))
        .collect()
}

fn measured(experiment: &Experiment, verdict: Verdict) -> Measurements {
    let fault = experiment.phases[1].faults[0].clone();
    let sample = |at_us, value| UtilizationSample {
        at_us,
        service: "llm".to_owned(),
        value,
    };
    Measurements {
        version: "0.1.0".to_owned(),
        ground: "virtual".to_owned(),
        requests: load(50_000, 100),
        utilization: vec![sample(1_000_000, 0.6), sample(61_000_000, 0.3)],
        comparisons: vec![Comparison {
            phase: "contention".to_owned(),
            against: "steady".to_owned(),
            analysis: analysis(verdict),
        }],
        journal: Journal {
            seed: 11,
            faults: vec![JournalEntry {
                phase: "contention".to_owned(),
                index: 0,
                fault,
                start_s: 60.0,
                stop_s: 120.0,
                opportunities: 1200,
                firings: 1200,
                injected_ms: 48_000.0,
                requests_touched: 1200,
                touched: Vec::new(),
            }],
            ..Journal::default()
        },
        ..Measurements::default()
    }
}

fn lock_found(experiment: &Experiment) -> Measurements {
    measured(experiment, Verdict::Bottleneck(lock_bottleneck()))
}

/// Runs one expectation over the measurements in which the lock is found.
fn held(expectation: &str) -> (bool, String) {
    let experiment = experiment(&format!("[[expect]]\n{expectation}"));
    let record = judge(&experiment, lock_found(&experiment));
    let outcome = &record.expectations[0];
    (
        outcome.held,
        format!("{} ({})", outcome.found, outcome.reason),
    )
}

fn reasons(record: &RunRecord) -> Vec<&str> {
    match &record.outcome {
        Outcome::Inconclusive { reasons } => reasons.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_run_in_which_everything_holds_passes() {
    let experiment = experiment(LOCK_EXPECTED);
    let record = judge(&experiment, lock_found(&experiment));
    assert_eq!(record.outcome, Outcome::Passed);
    assert_eq!(record.outcome.exit_code(), 0);
    let moved: Vec<Indicator> = record.faults[0]
        .moved()
        .map(|change| change.indicator)
        .collect();
    assert_eq!(moved, [Indicator::P50Ms, Indicator::P95Ms]);
    let shown = serde_json::json!({
        "expectations": record.expectations,
        "faults": record.faults,
        "indicators": record.phases[1].indicators,
        "stats": record.phases.iter().map(|phase| &phase.stats).collect::<Vec<_>>(),
        "share": record.phases.iter().map(|phase| &phase.share).collect::<Vec<_>>(),
        "utilization": record.phases.iter().map(|phase| &phase.utilization).collect::<Vec<_>>(),
    });
    insta::assert_json_snapshot!(shown);
}

#[test]
fn the_record_survives_its_file() {
    let experiment = experiment(LOCK_EXPECTED);
    let record = judge(&experiment, lock_found(&experiment));
    let text = serde_json::to_string(&record).expect("a record is JSON");
    let read: RunRecord = serde_json::from_str(&text).expect("the same types");
    assert_eq!(
        serde_json::to_string(&read).expect("a record is JSON"),
        text
    );
    assert!(read.analysis("contention", "steady").is_some());
    assert_eq!(
        read.spec.file,
        Path::new(""),
        "the spec is the same wherever the file lies"
    );
}

#[test]
fn a_wrong_verdict_fails_the_run() {
    let experiment = experiment(LOCK_EXPECTED);
    let mut found = lock_bottleneck();
    found.service = "llm".to_owned();
    found.cause = Cause::Queue;
    let record = judge(
        &experiment,
        measured(&experiment, Verdict::Bottleneck(found)),
    );
    assert_eq!(record.outcome, Outcome::Failed);
    assert_eq!(record.outcome.exit_code(), 1);
    assert_eq!(
        record.expectations[0].reason,
        "the analyser names llm, not metadata"
    );
    assert!(record.expectations[1].held);
}

#[test]
fn a_fault_that_never_fired_is_inconclusive_even_if_an_expectation_fails() {
    let experiment = experiment(LOCK_EXPECTED);
    let mut measurements = measured(
        &experiment,
        Verdict::NoBottleneck {
            evidence: Vec::new(),
        },
    );
    measurements.journal.faults[0].firings = 0;
    let record = judge(&experiment, measurements);
    assert_eq!(record.outcome.exit_code(), 4);
    insta::assert_snapshot!(reasons(&record).join("\n"));
}

#[test]
fn a_fault_that_nobody_feels_is_inconclusive() {
    let experiment = experiment(LOCK_EXPECTED);
    let mut measurements = lock_found(&experiment);
    measurements.requests = load(50_000, 0);
    insta::assert_snapshot!(reasons(&judge(&experiment, measurements)).join("\n"));
}

/// The requests of `load` of which those due from 70 s to 76 s take longer.
fn slow_for_a_while() -> Vec<RequestOutcome> {
    let mut requests = load(50_000, 0);
    for request in &mut requests {
        if (70_000_000..76_000_000).contains(&request.intended_us) {
            request.latency_us += 30_000;
        }
    }
    requests
}

/// Over the whole phase nobody would notice.
#[test]
fn a_fault_of_a_part_of_its_phase_is_judged_while_it_is_in_force() {
    let mut experiment = experiment(LOCK_EXPECTED);
    let mut measurements = lock_found(&experiment);
    measurements.requests = slow_for_a_while();
    let whole = judge(&experiment, measurements.clone());
    assert!(reasons(&whole)[0].starts_with("nobody could feel"));
    let fault = &mut experiment.phases[1].faults[0];
    (fault.at_s, fault.for_s) = (10.0, Some(6.0));
    let record = judge(&experiment, measurements);
    assert_eq!(reasons(&record), [""; 0]);
    let witness = &record.faults[0];
    assert_eq!((witness.in_force_s, witness.judged_s), (6.0, 6.0));
    assert!(
        witness
            .moved()
            .any(|change| change.indicator == Indicator::P50Ms)
    );
    assert!(
        record.phases[1]
            .indicators
            .iter()
            .all(|change| !change.moved)
    );
}

#[test]
fn a_fault_that_comes_and_goes_is_judged_over_all_its_times() {
    let mut experiment = experiment(LOCK_EXPECTED);
    let fault = &mut experiment.phases[1].faults[0];
    (fault.for_s, fault.every_s) = (Some(2.0), Some(12.0));
    let mut measurements = lock_found(&experiment);
    for request in &mut measurements.requests {
        let into_us = request.intended_us % 60_000_000 % 12_000_000;
        let slow = request.intended_us >= 60_000_000 && into_us < 2_000_000;
        request.latency_us -= u64::from(request.intended_us >= 60_000_000 && !slow) * 100_000;
    }
    let record = judge(&experiment, measurements);
    assert_eq!(record.faults[0].in_force_s, 10.0);
    assert_eq!(record.faults[0].moved().count(), 2);
    assert!(record.phases[1].indicators[0].value < record.faults[0].indicators[0].value);
}

/// Each is named, with the time over which it was judged.
#[test]
fn several_faults_that_nobody_feels_are_named_one_by_one() {
    let mut experiment = experiment(LOCK_EXPECTED);
    let faults = &mut experiment.phases[1].faults;
    faults.extend([faults[0].clone(), faults[0].clone()]);
    (faults[1].at_s, faults[1].for_s) = (30.0, Some(20.0));
    (faults[2].at_s, faults[2].for_s) = (50.0, Some(1.0));
    let mut measurements = lock_found(&experiment);
    measurements.requests = load(50_000, 0);
    for index in 1..3 {
        let mut entry = measurements.journal.faults[0].clone();
        entry.index = index;
        measurements.journal.faults.push(entry);
    }
    insta::assert_snapshot!(reasons(&judge(&experiment, measurements)).join("\n"));
}

/// A fault that does nothing is not excused by another that is felt at another time.
#[test]
fn each_fault_of_a_phase_must_be_felt_by_itself() {
    let mut experiment = experiment(LOCK_EXPECTED);
    let faults = &mut experiment.phases[1].faults;
    faults.push(faults[0].clone());
    (faults[0].at_s, faults[0].for_s) = (10.0, Some(6.0));
    (faults[1].at_s, faults[1].for_s) = (30.0, Some(20.0));
    let mut measurements = lock_found(&experiment);
    measurements.requests = slow_for_a_while();
    let mut entry = measurements.journal.faults[0].clone();
    entry.index = 1;
    measurements.journal.faults.push(entry);
    let record = judge(&experiment, measurements);
    assert_eq!(reasons(&record).len(), 1);
    assert!(reasons(&record)[0].contains("in the 20 s in which it was in force"));
}

#[test]
fn a_decoy_need_not_be_felt() {
    let mut experiment = experiment("[[expect]]\nholds = \"steady.requests > 0.0\"");
    experiment.phases[1].faults[0].decoy = true;
    let mut measurements = lock_found(&experiment);
    measurements.requests = load(50_000, 0);
    assert_eq!(judge(&experiment, measurements).outcome, Outcome::Passed);
}

#[test]
fn a_fault_that_the_baseline_has_too_need_not_be_felt() {
    let mut experiment = experiment("[[expect]]\nholds = \"steady.requests > 0.0\"");
    experiment.phases[0].faults = experiment.phases[1].faults.clone();
    let mut measurements = lock_found(&experiment);
    measurements.requests = load(50_000, 0);
    let mut entry = measurements.journal.faults[0].clone();
    entry.phase = "steady".to_owned();
    measurements.journal.faults.push(entry);
    assert_eq!(judge(&experiment, measurements).outcome, Outcome::Passed);
}

#[test]
fn a_fault_of_probability_zero_need_not_fire() {
    let mut experiment = experiment("[[expect]]\nholds = \"steady.requests > 0.0\"");
    experiment.phases[1].faults[0].probability = 0.0;
    let mut measurements = lock_found(&experiment);
    measurements.journal.faults.clear();
    assert_eq!(judge(&experiment, measurements).outcome, Outcome::Passed);
}

#[test]
fn too_few_requests_are_inconclusive() {
    let experiment = experiment(LOCK_EXPECTED);
    let mut measurements = lock_found(&experiment);
    measurements.requests = load(1_000_000, 100);
    insta::assert_snapshot!(reasons(&judge(&experiment, measurements)).join("\n"));
}

#[test]
fn an_analyser_without_enough_data_is_inconclusive() {
    let experiment = experiment(LOCK_EXPECTED);
    let verdict = Verdict::NotEnoughData {
        reason: "12 of 100 traces are whole".to_owned(),
    };
    let record = judge(&experiment, measured(&experiment, verdict));
    insta::assert_snapshot!(reasons(&record).join("\n"));
}

#[test]
fn a_figure_that_was_not_measured_is_inconclusive_not_zero() {
    let experiment = experiment("[[expect]]\nholds = \"contention.utilization.embedder < 0.5\"");
    let record = judge(&experiment, lock_found(&experiment));
    insta::assert_snapshot!(reasons(&record).join("\n"));
}

#[test]
fn what_each_kind_of_expectation_finds() {
    let cases = [
        "phase = \"contention\"\nverdict = \"no_bottleneck\"",
        "phase = \"contention\"\nverdict = \"bottleneck\"\nservice = \"metadata\"",
        "phase = \"contention\"\nverdict = \"bottleneck\"\nservice = \"metadata\"\ncause = \"queue\"",
        "phase = \"contention\"\nverdict = \"bottleneck\"\nservice = \"metadata\"\nmin_share = 0.7",
        "phase = \"contention\"\nverdict = \"bottleneck\"\nservice = \"metadata\"\ninstance = \"metadata-0\"",
        "phase = \"contention\"\nverdict = \"bottleneck\"\nservice = \"metadata\"\nquestion = \"errors\"",
        "phase = \"contention\"\nverdict = \"bottleneck\"\nservice = \"metadata\"\nquestion = \"latency\"",
        "phase = \"contention\"\nerror_origin = \"reranker\"",
        "phase = \"contention\"\nerror_origin = \"reranker\"\nmin_share = 0.9",
        "phase = \"contention\"\nerror_origin = \"llm\"\nerror = \"503\"\nmin_share = 0.2",
        "phase = \"contention\"\nerror_origin = \"metadata\"\nmin_share = 0.0",
        "phase = \"contention\"\nshared_trait = \"rag.documents.size_bytes\"",
        "phase = \"contention\"\nshared_trait = \"rag.documents.size_bytes\"\nmin_share = 0.99",
        "phase = \"contention\"\nshared_trait = \"user.id\"",
        "holds = \"contention.share.metadata > 0.79 && steady.share.vector_db > 0.7\"",
        "holds = \"contention.p50_ms < steady.p50_ms\"",
    ];
    let lines: Vec<String> = cases
        .iter()
        .map(|case| {
            let (held, found) = held(case);
            format!("{} => {held}: {found}", case.replace('\n', ", "))
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 32,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The record does not depend on the order in which requests were reported.
    #[test]
    fn the_order_of_requests_does_not_matter(seed in any::<u64>()) {
        let experiment = experiment(LOCK_EXPECTED);
        let mut measurements = lock_found(&experiment);
        let straight = judge(&experiment, measurements.clone());
        measurements.requests.sort_by_key(|request| request.intended_us.wrapping_mul(seed | 1));
        prop_assert_eq!(judge(&experiment, measurements), straight);
    }

    /// Each request is counted in exactly one phase, whatever its latency.
    #[test]
    fn every_request_is_counted_once(slower_ms in 0_u64..100_000) {
        let experiment = experiment(LOCK_EXPECTED);
        let mut measurements = lock_found(&experiment);
        measurements.requests = load(50_000, slower_ms);
        let total = measurements.requests.len() as u64;
        let record = judge(&experiment, measurements);
        let counted: u64 = record.phases.iter().map(|phase| phase.stats.requests).sum();
        prop_assert_eq!(counted, total);
        for phase in &record.phases {
            let stats = &phase.stats;
            prop_assert_eq!(stats.succeeded + stats.failed, stats.requests);
            prop_assert!(stats.p50_ms <= stats.p95_ms && stats.p95_ms <= stats.p99_ms);
            prop_assert!(stats.p99_ms <= stats.max_ms);
            let on_timeline: u64 = phase.timeline.iter().map(|point| point.requests).sum();
            prop_assert_eq!(on_timeline, stats.requests);
        }
    }
}
