//! What follows from running the same seed again without a fault.

use std::path::Path;

use crate::common::TestCatalog;
use ragdoll_analyser::{Analysis, Bottleneck, Cause, Question, ServiceLoad, Verdict};
use ragdoll_experiment::{
    Comparison, Counterfactual, Experiment, Finding, Indicator, Journal, JournalEntry,
    Measurements, Outcome, Replayed, RequestOutcome, RunRecord, Variant, judge,
    judge_counterfactual, variants,
};

const LOCK: &str = r#"{ kind = "lock_contention", target = { service = "metadata" }, params = { hold = { fixed = { ms = 40.0 } } } }"#;
const SLOW_LLM: &str = r#"{ kind = "latency", target = { service = "llm" }, params = { delay = { fixed = { ms = 40.0 } } } }"#;
const DECOY: &str = r#"{ kind = "latency", target = { service = "embedder" }, decoy = true, params = { delay = { fixed = { ms = 1.0 } } } }"#;
const NEVER: &str = r#"{ kind = "latency", target = { service = "shard" }, probability = 0.0, params = { delay = { fixed = { ms = 1.0 } } } }"#;

/// Two phases of a minute with these faults.
fn experiment(steady: &[&str], slow: &[&str]) -> Experiment {
    let text = format!(
        r#"title = "Faults"
seed = 11
phases = [
    {{ name = "steady", duration_s = 60.0, faults = [{}] }},
    {{ name = "slow", duration_s = 60.0, faults = [{}] }},
]
[[expect]]
holds = "slow.requests > 0.0"
"#,
        steady.join(", "),
        slow.join(", ")
    );
    Experiment::parse(&text, Path::new("faults.toml"), &TestCatalog)
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn named(service: &str, cause: Cause) -> Verdict {
    Verdict::Bottleneck(Bottleneck {
        service: service.to_owned(),
        instance: None,
        cause,
        question: Question::Latency,
        share: 0.6,
        baseline_share: 0.1,
        explains: 0.9,
        confidence: 1.0,
        evidence: Vec::new(),
        example_traces: Vec::new(),
    })
}

fn lock() -> Verdict {
    named("metadata", Cause::Lock)
}

fn nothing() -> Verdict {
    Verdict::NoBottleneck {
        evidence: Vec::new(),
    }
}

/// Whether the kind of a fault acts in an experiment.
fn acts(experiment: &Experiment, target: &str) -> bool {
    let faults = experiment.phases.iter().flat_map(|phase| &phase.faults);
    let mut acting = faults.filter(|fault| fault.probability > 0.0);
    acting.any(|fault| fault.target.to_string() == target)
}

/// A request each 50 ms; while the lock is held those of the second phase take 100 ms more.
fn requests(experiment: &Experiment) -> Vec<RequestOutcome> {
    let slower_us = u64::from(acts(experiment, "metadata")) * 100_000;
    let request = |at: u64| RequestOutcome {
        intended_us: at,
        latency_us: 80_000
            + (at / 50_000 * 7919) % 40_000
            + if at < 60_000_000 { 0 } else { slower_us },
        error: None,
        recall: Some(0.9),
        precision: Some(0.8),
    };
    (0..120_000_000).step_by(50_000).map(request).collect()
}

fn run(experiment: &Experiment, says: &dyn Fn(&Experiment) -> Verdict) -> RunRecord {
    let verdict = says(experiment);
    let analysis = Analysis {
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
        attribution: Vec::new(),
        error_origins: Vec::new(),
        shared_traits: Vec::new(),
        saturation: Vec::new(),
        load: ServiceLoad::default(),
        series: None,
        notes: Vec::new(),
    };
    let places = experiment.phases.iter().flat_map(|phase| {
        let faults = phase.faults.iter().enumerate();
        faults.map(|(index, fault)| (phase.name.clone(), index, fault.clone()))
    });
    let entries = places.map(|(phase, index, fault)| JournalEntry {
        phase,
        index,
        fault,
        start_s: 60.0,
        stop_s: 120.0,
        opportunities: 1200,
        firings: 1200,
        injected_ms: 0.0,
        requests_touched: 1200,
        touched: Vec::new(),
    });
    let measurements = Measurements {
        requests: requests(experiment),
        comparisons: vec![Comparison {
            phase: "slow".to_owned(),
            against: "steady".to_owned(),
            analysis,
        }],
        journal: Journal {
            faults: entries.collect(),
            ..Journal::default()
        },
        ..Measurements::default()
    };
    judge(experiment, measurements)
}

/// Runs an experiment and its variants, about which the analyser `says` this.
fn replayed(experiment: &Experiment, says: impl Fn(&Experiment) -> Verdict) -> RunRecord {
    let replay = |variant: &Variant| {
        let record = run(&variant.experiment, &says);
        let without = requests(&variant.experiment);
        Replayed::new(
            experiment,
            &requests(experiment),
            variant,
            &record,
            &without,
        )
    };
    let replays: Vec<Replayed> = variants(experiment).iter().map(replay).collect();
    judge_counterfactual(run(experiment, &says), &replays)
}

fn section(record: &RunRecord) -> &Counterfactual {
    record.counterfactual.as_ref().expect("asked for")
}

fn findings(record: &RunRecord) -> Vec<Finding> {
    section(record)
        .faults
        .iter()
        .map(|one| one.finding)
        .collect()
}

#[test]
fn each_fault_is_left_out_in_its_place_and_then_all_of_a_phase() {
    let experiment = experiment(&[SLOW_LLM], &[LOCK, SLOW_LLM, DECOY, NEVER]);
    let left_out: Vec<Vec<(String, usize)>> = variants(&experiment)
        .into_iter()
        .map(|variant| {
            let kept = variant
                .experiment
                .phases
                .iter()
                .map(|phase| phase.faults.len());
            assert_eq!(kept.sum::<usize>(), 5, "the others keep their places");
            let places = variant.left_out.into_iter();
            places.map(|place| (place.phase, place.index)).collect()
        })
        .collect();
    let place = |phase: &str, index| (phase.to_owned(), index);
    let expected = [
        vec![place("steady", 0), place("slow", 1)],
        vec![place("slow", 0)],
        vec![place("slow", 2)],
    ];
    assert_eq!(left_out, expected);
    let two = variants(&self::experiment(&[], &[LOCK, SLOW_LLM]));
    assert_eq!(two.len(), 3);
    assert_eq!(two[2].left_out.len(), 2, "without both");
}

#[test]
fn a_bottleneck_that_is_gone_without_its_fault_is_the_faults() {
    let record = replayed(&experiment(&[], &[LOCK]), |experiment| {
        if acts(experiment, "metadata") {
            lock()
        } else {
            nothing()
        }
    });
    assert_eq!(record.outcome, Outcome::Passed);
    assert_eq!(findings(&record), [Finding::Responsible]);
    let one = &section(&record).faults[0];
    let moved = one.indicators.iter().filter(|change| change.moved);
    let moved: Vec<Indicator> = moved.map(|change| change.indicator).collect();
    assert_eq!(moved, [Indicator::P50Ms, Indicator::P95Ms]);
    assert!((one.indicators[0].difference_low - 100.0).abs() < 1e-9);
}

#[test]
fn another_bottleneck_may_take_its_place() {
    let record = replayed(&experiment(&[], &[LOCK]), |experiment| {
        let queue = named("llm", Cause::Queue);
        if acts(experiment, "metadata") {
            lock()
        } else {
            queue
        }
    });
    assert_eq!(findings(&record), [Finding::Responsible]);
}

#[test]
fn a_bottleneck_that_stays_without_its_only_fault_fails_the_run() {
    let record = replayed(&experiment(&[], &[LOCK]), |_| lock());
    assert_eq!(record.outcome.exit_code(), 1);
    assert_eq!(findings(&record), [Finding::Remains]);
    assert_eq!(
        section(&record).failures(),
        [
            "the bottleneck metadata / lock of phase `slow` is there without lock_contention on \
             metadata too: the fault is not what the verdict names"
        ]
    );
}

#[test]
fn of_several_faults_the_table_says_which_one_is_responsible() {
    let record = replayed(&experiment(&[], &[SLOW_LLM, LOCK]), |experiment| {
        if acts(experiment, "metadata") {
            lock()
        } else {
            nothing()
        }
    });
    assert_eq!(record.outcome, Outcome::Passed);
    assert_eq!(findings(&record), [Finding::NoPart, Finding::Responsible]);
    let idle = &section(&record).faults[0];
    assert!(idle.indicators.iter().all(|change| !change.moved));
}

#[test]
fn several_faults_of_which_each_is_enough_share_it() {
    let record = replayed(&experiment(&[], &[SLOW_LLM, LOCK]), |experiment| {
        let any = acts(experiment, "metadata") || acts(experiment, "llm");
        if any { lock() } else { nothing() }
    });
    assert_eq!(record.outcome, Outcome::Passed);
    assert_eq!(findings(&record), [Finding::Shared, Finding::Shared]);
    assert!(!section(&record).together[0].remains);
}

#[test]
fn what_stays_without_all_of_several_faults_fails_the_run_once() {
    let record = replayed(&experiment(&[], &[SLOW_LLM, LOCK]), |_| lock());
    assert_eq!(record.outcome, Outcome::Failed);
    assert_eq!(section(&record).failures().len(), 1);
    assert!(section(&record).together[0].remains);
}

#[test]
fn a_decoy_must_change_no_verdict() {
    let experiment = experiment(&[], &[LOCK, DECOY]);
    let harmless = replayed(&experiment, |experiment| {
        if acts(experiment, "metadata") {
            lock()
        } else {
            nothing()
        }
    });
    assert_eq!(harmless.outcome, Outcome::Passed);
    assert_eq!(
        findings(&harmless),
        [Finding::Responsible, Finding::Harmless]
    );
    let felt = replayed(&experiment, |experiment| {
        let both = acts(experiment, "metadata") && acts(experiment, "embedder");
        if both { lock() } else { nothing() }
    });
    assert_eq!(felt.outcome, Outcome::Failed);
    assert_eq!(
        section(&felt).failures(),
        [
            "without the decoy latency on embedder of phase `slow`, metadata / lock in `slow` \
             becomes no bottleneck"
        ]
    );
}

#[test]
fn a_fault_of_the_baseline_is_left_out_everywhere_and_asked_for_nothing() {
    let record = replayed(&experiment(&[SLOW_LLM], &[SLOW_LLM, LOCK]), |experiment| {
        if acts(experiment, "metadata") {
            lock()
        } else {
            nothing()
        }
    });
    assert_eq!(record.outcome, Outcome::Passed);
    let expected = [Finding::InBaseline, Finding::NoPart, Finding::Responsible];
    assert_eq!(findings(&record), expected);
}

#[test]
fn too_little_data_without_the_fault_cannot_tell() {
    let record = replayed(&experiment(&[], &[LOCK]), |experiment| {
        if acts(experiment, "metadata") {
            return lock();
        }
        Verdict::NotEnoughData {
            reason: "12 traces".to_owned(),
        }
    });
    assert_eq!(record.outcome.exit_code(), 4);
    assert_eq!(findings(&record), [Finding::Unknown]);
}

#[test]
fn a_run_that_was_not_replayed_has_no_such_section() {
    let record = run(&experiment(&[], &[LOCK]), &|_| lock());
    let text = serde_json::to_string(&record).expect("a record is JSON");
    assert!(!text.contains("counterfactual"));
    let record = replayed(&experiment(&[], &[LOCK]), |_| lock());
    let text = serde_json::to_string(&record).expect("a record is JSON");
    let read: RunRecord = serde_json::from_str(&text).expect("the same types");
    assert_eq!(read.counterfactual, record.counterfactual);
}
