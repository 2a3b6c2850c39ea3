//! Faults of how calls are spread, gathered, repeated and remembered.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Service, Topology};
use serde_json::{Value, json};

use super::outcome::one_after_the_other;
use super::stage::NEVER_US;
use super::{MS, SECOND, Shown, Stage, Subject, conform, fault, lasting, small, together};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_slow_merge_takes_its_time_after_all_answers,
        &[Subject::on_service("slow_aggregation")],
    ),
    (
        partitions_are_asked_in_turn,
        &[Subject::on_service("serial_fan_out")],
    ),
    (
        a_partition_that_is_not_known_is_not_asked,
        &[Subject::on_service("partial_gather")],
    ),
    (
        old_versions_of_documents_are_found_for_other_questions,
        &[Subject::on_service("stale_index")],
    ),
    (
        a_hot_shard_is_slow_and_its_sibling_is_not,
        &[Subject::on_instance("hot_shard")],
    ),
    (
        all_calls_go_to_the_first_instance,
        &[Subject::on_service("load_balancer_skew")],
    ),
    (
        what_takes_too_long_is_tried_again_at_once,
        &[Subject::on_service("retry_storm")],
    ),
    (
        without_its_cache_every_request_looks_up,
        &[
            Subject::on_service("cache_failure"),
            Subject::Resource("cache"),
        ],
    ),
    (
        what_expired_is_looked_up_once_more,
        &[Subject::on_service("cache_stampede")],
    ),
];

async fn once(stage: Stage) -> u16 {
    stage.asking("r-0").await.expect("no panic").0
}

fn on_service(kind: &str, service: Service, params: Value) -> [Planned; 1] {
    [fault(kind, Target::service(service), params)]
}

#[test]
fn a_slow_merge_takes_its_time_after_all_answers() {
    let mut topology = small();
    topology.vector_db.merge_time = Dist::fixed(5.0);
    let params = json!({ "merge_time_factor": 10.0 });
    let faults = on_service("slow_aggregation", Service::VECTOR_DB, params);
    conform(&topology, &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let merges = outcome.spans("vector-db-0", "fan_in.merge");
        outcome.assert_took("the merge", merges[0].length_us(), 50 * MS);
        outcome.assert_whole();
    });
}

#[test]
fn partitions_are_asked_in_turn() {
    let mut topology = small();
    topology.vector_db.shards = 3;
    topology.shard.search_time = Dist::fixed(40.0);
    let faults = on_service("serial_fan_out", Service::VECTOR_DB, json!({}));
    conform(&topology, &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let calls = outcome.calls("shard");
        assert_eq!(calls.len(), 3);
        assert!(one_after_the_other(&calls), "{calls:#?}");
        outcome.assert_whole();
    });
}

#[test]
fn a_partition_that_is_not_known_is_not_asked() {
    let params = json!({ "partition": 0 });
    let faults = on_service("partial_gather", Service::VECTOR_DB, params);
    conform(&small(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200, "nobody sees an error");
        assert_eq!(outcome.calls("shard").len(), 1);
        assert_eq!(outcome.served("shard-1-0").len(), 1);
        let search = outcome.the_served("vector-db-0");
        assert_eq!(search.attribute("rag.shards.queried"), "1");
        assert_eq!(search.attribute("rag.shards.answered"), "1");
        outcome.assert_whole();
    });
}

#[test]
fn old_versions_of_documents_are_found_for_other_questions() {
    let mut topology = small();
    topology.gateway.candidates = 4;
    let faults = on_service("stale_index", Service::SHARD, json!({ "stale_share": 1.0 }));
    conform(
        &topology,
        &faults,
        async |stage: Stage| {
            let query = stage.query(1, 1);
            let (status, body) = stage.ask("r-0", &query).await;
            let corpus = &stage.system.corpus;
            let vector = corpus.embed(&query.query);
            let wanted = corpus.nearest(&vector, query.top_k as usize);
            let contexts = body["contexts"].as_array().cloned().unwrap_or_default();
            let found = contexts.iter().map(|one| one["document"].clone());
            (status, found.collect::<Vec<_>>(), wanted)
        },
        |outcome| {
            let (status, found, wanted) = &outcome.answer;
            assert_eq!(*status, 200);
            assert_eq!(found.len(), wanted.len());
            let missing = wanted
                .iter()
                .filter(|number| !found.contains(&json!(number)));
            assert!(missing.count() > 0, "{found:?} is as good as {wanted:?}");
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_hot_shard_is_slow_and_its_sibling_is_not() {
    let mut topology = small();
    topology.shard.search_time = Dist::fixed(5.0);
    let params = json!({ "user_share": 1.0, "search_time_factor": 20.0 });
    let faults = [fault("hot_shard", Target::instance("shard-1-0"), params)];
    conform(&topology, &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let hot = outcome.the_served("shard-1-0");
        outcome.assert_took("the search", hot.length_us(), 100 * MS);
        let other = outcome.the_served("shard-0-0");
        assert!(other.end_us < hot.end_us, "{other:#?} {hot:#?}");
        outcome.assert_whole();
    });
}

#[test]
fn all_calls_go_to_the_first_instance() {
    let mut topology = small();
    topology.reranker.instances = 3;
    let faults = on_service(
        "load_balancer_skew",
        Service::GATEWAY,
        json!({ "skew": 1.0 }),
    );
    conform(
        &topology,
        &faults,
        async |stage: Stage| together(&stage, 6).await,
        |outcome| {
            assert!(outcome.answer.iter().all(|(status, _)| *status == 200));
            let served = ["reranker-0", "reranker-1", "reranker-2"];
            let served = served.map(|name| outcome.served(name).len());
            assert_eq!(served, [6, 0, 0]);
            outcome.assert_whole();
        },
    );
}

#[test]
fn what_takes_too_long_is_tried_again_at_once() {
    let mut topology = small();
    topology.reranker.service_time = Dist::fixed(400.0);
    let params = json!({ "attempts": 3, "timeout_ms": 60.0 });
    let faults = on_service("retry_storm", Service::GATEWAY, params);
    conform(&topology, &faults, once, |outcome| {
        assert_eq!(outcome.answer, 504);
        let calls = outcome.calls("reranker");
        assert_eq!(calls.len(), 3);
        assert!(one_after_the_other(&calls), "{calls:#?}");
        for call in calls {
            assert_eq!(call.error(), "DEADLINE_EXCEEDED");
            outcome.assert_took("an attempt", call.length_us(), 60 * MS);
        }
    });
}

fn with_cache() -> Topology {
    let mut topology = small();
    topology.gateway.metadata_cache.entries = 10;
    topology
}

#[test]
fn without_its_cache_every_request_looks_up() {
    let faults = on_service("cache_failure", Service::GATEWAY, json!({}));
    conform(
        &with_cache(),
        &faults,
        async |stage: Stage| {
            for number in 0..3 {
                let asked = stage.asking(&format!("r-{number}"));
                assert_eq!(asked.await.expect("no panic").0, 200);
            }
        },
        |outcome| {
            assert_eq!(outcome.served("metadata-0").len(), 3);
            outcome.assert_whole();
        },
    );
}

#[test]
fn what_expired_is_looked_up_once_more() {
    let target = Target::service(Service::GATEWAY);
    let faults = [lasting(
        "cache_stampede",
        target,
        json!({}),
        2 * SECOND,
        NEVER_US,
    )];
    conform(
        &with_cache(),
        &faults,
        async |stage: Stage| {
            for (number, at_us) in [0, 0, 2 * SECOND, 0, 0].into_iter().enumerate() {
                stage.clock.sleep_until_us(at_us).await;
                let asked = stage.asking(&format!("r-{number}"));
                assert_eq!(asked.await.expect("no panic").0, 200);
            }
        },
        |outcome| {
            assert_eq!(outcome.served("metadata-0").len(), 2);
            outcome.assert_whole();
        },
    );
}
