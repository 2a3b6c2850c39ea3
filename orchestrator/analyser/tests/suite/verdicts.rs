//! Populations of traces in, verdicts out.

use crate::common::system::{System, compare, run};
use crate::common::{Book, window};
use ragdoll_analyser::{Analysis, Bottleneck, Cause, Config, Prepared, Question, Verdict, analyse};

const SEEDS: u64 = 20;

/// The bottleneck under each seed, which must be the same place, for the same question.
fn expect(
    baseline: &System,
    system: &System,
    service: &str,
    cause: Cause,
    question: Question,
) -> Vec<(Analysis, Bottleneck)> {
    (0..SEEDS)
        .map(|seed| {
            let analysis = compare(baseline, system, seed);
            let Some(found) = analysis.verdict.bottleneck().cloned() else {
                panic!("seed {seed}: {:#?}", analysis.verdict);
            };
            assert_eq!(
                (found.service.as_str(), found.cause, found.question),
                (service, cause, question),
                "seed {seed}: {found:#?}\n{:#?}",
                analysis.attribution
            );
            (analysis, found)
        })
        .collect()
}

fn expect_slow(baseline: &System, system: &System, service: &str, cause: Cause) -> Vec<Bottleneck> {
    let found = expect(baseline, system, service, cause, Question::Latency);
    found
        .into_iter()
        .map(|(_, bottleneck)| bottleneck)
        .collect()
}

#[test]
fn a_queue_before_an_llm_that_is_large_in_both_phases() {
    let baseline = System::default();
    let busier = System {
        arrivals_per_s: 19.5,
        ..System::default()
    };
    for found in expect_slow(&baseline, &busier, "llm", Cause::Queue) {
        assert!(found.share > found.baseline_share, "{found:#?}");
        let has = |what: &str| {
            found
                .evidence
                .iter()
                .any(|figure| figure.what.starts_with(what))
        };
        assert!(
            has("service time of llm") && has("arrival rate of llm"),
            "{found:#?}"
        );
    }
}

#[test]
fn fewer_places_in_an_llms_batch() {
    let fewer = System {
        llm_servers: 8,
        ..System::default()
    };
    expect_slow(&System::default(), &fewer, "llm", Cause::Queue);
}

#[test]
fn an_llm_that_decodes_more_slowly_and_queues_for_it() {
    let slower = System {
        llm_token_ms: 15.5,
        ..System::default()
    };
    expect_slow(&System::default(), &slower, "llm", Cause::Compute);
}

#[test]
fn a_lock_that_is_held_longer() {
    let held = System {
        metadata_lock_ms: 95.0,
        ..System::default()
    };
    for found in expect_slow(&System::default(), &held, "metadata", Cause::Lock) {
        assert!(found.explains > 0.7, "{found:#?}");
    }
}

#[test]
fn a_decoy_llm_that_is_slow_in_both_phases() {
    let baseline = System {
        llm_token_ms: 12.0,
        embedder_servers: 4,
        embedder_ms: 96.0,
        ..System::default()
    };
    let fewer_servers = System {
        embedder_servers: 1,
        ..baseline.clone()
    };
    expect_slow(&baseline, &fewer_servers, "embedder", Cause::Queue);
}

#[test]
fn a_server_that_is_slow_and_queues_for_it() {
    let baseline = System {
        embedder_servers: 1,
        embedder_ms: 40.0,
        ..System::default()
    };
    let slower = System {
        embedder_ms: 95.0,
        ..baseline.clone()
    };
    for found in expect_slow(&baseline, &slower, "embedder", Cause::Compute) {
        let queue = found
            .evidence
            .iter()
            .any(|figure| figure.what.starts_with("queue wait of"));
        assert!(queue, "{found:#?}");
    }
}

#[test]
fn one_slow_shard_and_one_far_shard() {
    let slow = System {
        slow_shard: Some((2, 600.0)),
        ..System::default()
    };
    let far = System {
        far_shard: Some((2, 300.0)),
        ..System::default()
    };
    for system in [slow, far] {
        for found in expect_slow(&System::default(), &system, "shard", Cause::Straggler) {
            assert_eq!(found.instance.as_deref(), Some("shard-2-0"));
        }
    }
}

#[test]
fn a_callee_that_fails_at_first_is_named_not_its_retrying_caller() {
    let failing = System {
        embedder_failures: 0.5,
        llm_token_ms: 0.5,
        ..System::default()
    };
    let baseline = System {
        embedder_failures: 0.0,
        ..failing.clone()
    };
    expect_slow(&baseline, &failing, "embedder", Cause::Retries);
}

#[test]
fn a_reranker_that_runs_out_of_memory_and_what_its_culprits_share() {
    let dying = System {
        out_of_memory: true,
        ..System::default()
    };
    let found = expect(
        &System::default(),
        &dying,
        "reranker",
        Cause::Memory,
        Question::Errors,
    );
    for (analysis, bottleneck) in found {
        assert!(bottleneck.share > 0.99, "{bottleneck:#?}");
        let errors: Vec<&str> = analysis
            .error_origins
            .iter()
            .map(|origin| origin.error.as_str())
            .collect();
        assert!(errors.contains(&"DEADLINE_EXCEEDED") && errors.contains(&"UNAVAILABLE"));
        assert_eq!(
            analysis.error_origins[0].path,
            ["reranker", "gateway", "client"]
        );
        let shared = analysis.shared_traits.first().expect("a shared trait");
        assert_eq!(
            shared.attribute, "rag.documents.size_bytes",
            "{:#?}",
            analysis.shared_traits
        );
        let bound = shared.condition.strip_prefix(">= ").expect("a lower bound");
        assert!(
            bound.parse::<f64>().expect("a number") > 60_000.0,
            "{shared:?}"
        );
        let shown = |figure: &ragdoll_analyser::Figure| figure.what.contains("size_bytes >= ");
        assert!(bottleneck.evidence.iter().any(shown), "{bottleneck:#?}");
    }
}

#[test]
fn load_that_is_shed_is_a_queue() {
    let shedding = System {
        arrivals_per_s: 24.0,
        llm_refuse_wait_ms: 300.0,
        ..System::default()
    };
    expect(
        &System::default(),
        &shedding,
        "llm",
        Cause::Queue,
        Question::Errors,
    );
}

/// How many of 300 seeds raise an alarm when nothing changed.
fn alarms(system: &System) -> usize {
    let analyses = (0..300).map(|seed| compare(system, system, 7000 + seed));
    analyses
        .filter(|analysis| analysis.verdict.bottleneck().is_some())
        .count()
}

#[test]
fn a_healthy_system_raises_no_alarm() {
    assert_eq!(alarms(&System::default()), 0);
}

/// A single server that is busy 70 % of the time, with exponential times, makes up half of each
/// request: its busy periods last for seconds, and minutes differ by themselves.
#[test]
fn a_healthy_system_of_long_busy_periods_raises_hardly_any() {
    let bursty = System {
        embedder_servers: 1,
        embedder_ms: 70.0,
        llm_token_ms: 3.0,
        ..System::default()
    };
    let alarms = alarms(&bursty);
    assert!(alarms <= 3, "{alarms} of 300");
}

#[test]
fn too_few_requests_are_not_enough() {
    let rare = System {
        arrivals_per_s: 0.3,
        ..System::default()
    };
    let analysis = compare(&System::default(), &rare, 1);
    let Verdict::NotEnoughData { reason } = &analysis.verdict else {
        panic!("{:#?}", analysis.verdict);
    };
    assert!(reason.starts_with("the window has "), "{reason}");
}

#[test]
fn parts_sum_to_the_tails_mean_and_littles_law_holds() {
    let mut book = Book::default();
    run(&mut book, &System::default(), 1, 0.0, 60.0);
    run(&mut book, &System::default(), 2, 100.0, 60.0);
    let prepared = Prepared::new(&book.observations);
    let analysis = analyse(
        &prepared,
        &window(100.0, 160.0),
        &window(0.0, 60.0),
        &Config::default(),
    );
    let Verdict::NoBottleneck { evidence } = &analysis.verdict else {
        panic!("{:#?}", analysis.verdict);
    };
    let sum: f64 = analysis.attribution.iter().map(|part| part.tail_ms).sum();
    assert!(
        (sum - evidence[0].value).abs() < 1e-6,
        "{sum} and {evidence:#?}"
    );
    let mean: f64 = analysis.attribution.iter().map(|part| part.mean_ms).sum();
    assert!(
        (mean - evidence[1].value).abs() < 1e-6,
        "{mean} and {evidence:#?}"
    );
    let llm = analysis
        .saturation
        .iter()
        .find(|load| load.service == "llm")
        .expect("the llm");
    assert!((llm.now.arrival_rate_per_s - 10.0).abs() < 1.5, "{llm:?}");
    assert!(
        (llm.now.concurrency / llm.now.arrival_rate_per_s - 0.84).abs() < 0.1,
        "{llm:?}"
    );
    assert!(
        llm.now
            .utilization
            .is_some_and(|share| (share - 0.5).abs() < 0.1),
        "{llm:?}"
    );
}

#[test]
fn the_same_observations_give_the_same_analysis() {
    let busier = System {
        arrivals_per_s: 19.5,
        ..System::default()
    };
    assert_eq!(
        compare(&System::default(), &busier, 3),
        compare(&System::default(), &busier, 3)
    );
}
