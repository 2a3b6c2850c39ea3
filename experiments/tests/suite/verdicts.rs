//! Every experiment ends as it should, whatever the seed.
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use crate::common::{account, assert_passed, load, run_seeds, seeds};
use ragdoll_analyser::{Cause, Verdict};
use ragdoll_deploy::{RunOptions, run};
use ragdoll_experiment::{Outcome, RunRecord};
use ragdoll_model::topology::VectorIndex;

/// Runs an experiment with its own seed and with all of [`seeds`], on every core.
fn run_all_seeds(name: &str) -> Vec<RunRecord> {
    run_seeds(&load(name))
}

fn assert_all_pass(name: &str) {
    assert_passed(&run_all_seeds(name));
}

/// Runs an experiment as real grounds do, which have no minutes to spare.
fn assert_all_pass_in_a_quarter_of_the_time(name: &str) {
    let mut experiment = load(name);
    for phase in &mut experiment.phases {
        phase.start_s /= 4.0;
        phase.duration_s /= 4.0;
        phase.settle_s /= 4.0;
    }
    assert_passed(&run_seeds(&experiment));
}

#[test]
fn healthy() {
    assert_all_pass("healthy");
}

#[test]
fn approximate_index() {
    assert_all_pass("approximate_index");
}

/// The index decides what is found and not how long it takes: of the same requests more are answered with what
/// they should be when a search keeps more, and each takes a shard as long.
#[test]
fn a_search_that_keeps_more_candidates_has_more_recall_and_no_other_latency() {
    let recall_and_p50 = [Some(1), Some(64), None].map(|ef| {
        let mut experiment = load("approximate_index");
        if let (Some(ef), VectorIndex::Approximate(hnsw)) =
            (ef, &mut experiment.topology.shard.index)
        {
            hnsw.ef = ef;
        } else {
            experiment.topology.shard.index = VectorIndex::Exact;
        }
        let record = run(&experiment, &RunOptions::default());
        let record = record.unwrap_or_else(|error| panic!("{error}"));
        let stats = &record.phases[1].stats;
        (stats.recall, stats.p50_ms)
    });
    let [(few, p50_ms), (many, p50_of_many_ms), (all, p50_of_all_ms)] = recall_and_p50;
    assert!(
        few < many && many < all && all == Some(1.0),
        "{recall_and_p50:?}"
    );
    for other_ms in [p50_of_many_ms, p50_of_all_ms] {
        let ratio = other_ms / p50_ms;
        assert!((0.97..1.03).contains(&ratio), "{recall_and_p50:?}");
    }
}

#[test]
fn llm_saturation() {
    assert_all_pass("llm_saturation");
}

#[test]
fn metadata_lock() {
    assert_all_pass("metadata_lock");
}

#[test]
fn reranker_oom() {
    assert_all_pass("reranker_oom");
}

#[test]
fn slow_shard() {
    assert_all_pass("slow_shard");
}

#[test]
fn partitioned_shard() {
    assert_all_pass("partitioned_shard");
    assert_all_pass_in_a_quarter_of_the_time("partitioned_shard");
}

#[test]
fn hung_reranker() {
    assert_all_pass("hung_reranker");
    assert_all_pass_in_a_quarter_of_the_time("hung_reranker");
}

#[test]
fn crashed_reranker() {
    assert_all_pass("crashed_reranker");
    assert_all_pass_in_a_quarter_of_the_time("crashed_reranker");
}

#[test]
fn throttled_reranker() {
    assert_all_pass("throttled_reranker");
    assert_all_pass_in_a_quarter_of_the_time("throttled_reranker");
}

#[test]
fn own_system() {
    assert_all_pass("own_system");
}

#[test]
fn presets() {
    for name in [
        "rag_anywhere",
        "agent_loop",
        "semantic_cache",
        "hybrid_search",
        "monolith",
    ] {
        assert_all_pass(name);
    }
}

#[test]
fn service_graph() {
    assert_all_pass("service_graph");
}

#[test]
fn decoy_slow_llm() {
    assert_all_pass("decoy_slow_llm");
}

/// With few connections most of the wait for the lock is a wait for a connection. The pool is its
/// victim.
#[test]
fn a_lock_behind_a_small_pool_is_still_the_lock() {
    for seed in seeds() {
        let mut experiment = load("metadata_lock");
        experiment.seed = seed;
        experiment.topology.gateway.metadata_pool_size = 10;
        let record = run(&experiment, &RunOptions::default());
        let record = record.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let analysis = record
            .analysis("contended", "baseline")
            .expect("a comparison");
        let found = analysis.verdict.bottleneck();
        let place = found.map(|found| (found.service.as_str(), found.cause));
        assert_eq!(
            place,
            Some(("metadata", Cause::Lock)),
            "{}",
            account(&record)
        );
    }
}

/// The suite can fail: a wrong expectation ends as failed, on a sound run with the right verdict.
#[test]
fn canary_must_fail() {
    for record in run_all_seeds("canary_must_fail") {
        assert_eq!(record.outcome, Outcome::Failed, "{}", account(&record));
        let analysis = record
            .analysis("slow", "baseline")
            .expect("a comparison with the baseline");
        let Verdict::Bottleneck(found) = &analysis.verdict else {
            panic!("{}: {:?}", account(&record), analysis.verdict);
        };
        assert_eq!(
            found.instance.as_deref(),
            Some("shard-2-0"),
            "{}",
            account(&record)
        );
    }
}

/// Load that nobody here made.
#[test]
fn azure_replay() {
    let experiment = load("azure_replay");
    let recording = experiment.phases[0]
        .recording
        .as_ref()
        .expect("a recorded load");
    if !recording.exists() {
        println!("skipped: {} is not there", recording.display());
        return;
    }
    let record = run(&experiment, &RunOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(record.outcome, Outcome::Passed, "{}", account(&record));
}

/// The counterfactual: the same seed without what was done to the system no longer shows the
/// bottleneck.
#[test]
fn without_its_faults_no_experiment_shows_its_bottleneck() {
    for name in [
        "llm_saturation",
        "metadata_lock",
        "reranker_oom",
        "slow_shard",
        "partitioned_shard",
        "hung_reranker",
        "crashed_reranker",
        "throttled_reranker",
        "decoy_slow_llm",
    ] {
        let mut experiment = load(name);
        for phase in &mut experiment.phases {
            phase.faults.clear();
        }
        let record =
            run(&experiment, &RunOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        let with_same_load = record
            .phases
            .iter()
            .filter(|phase| phase.name != "more_users");
        for phase in with_same_load {
            let found = phase
                .analysis
                .as_ref()
                .and_then(|analysis| analysis.verdict.bottleneck());
            assert_eq!(found, None, "{name}, phase {}", phase.name);
        }
    }
}
