//! Several calls at once, and what is left where some of them fail.

use ragdoll_model::topology::FanOut;
use ragdoll_model::{Dist, Topology};
use serde_json::json;

use super::outcome::{all_at_once, one_after_the_other};
use super::stage::NEVER_US;
use super::{MS, Outcome, Shown, Stage, Subject, conform, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        partitions_are_asked_at_once,
        &[Subject::Resource("call_plan")],
    ),
    (
        partitions_are_asked_one_after_the_other,
        &[Subject::Resource("call_plan")],
    ),
    (
        a_lost_partition_leaves_a_part_of_the_answer,
        &[Subject::Resource("call_plan")],
    ),
    (
        where_a_part_is_not_enough_a_lost_partition_fails_the_query,
        &[Subject::Resource("call_plan"), Subject::Protocol("status")],
    ),
];

async fn once(stage: Stage) -> u16 {
    stage.asking("r-0").await.expect("no panic").0
}

/// Four partitions, each of which searches for 60 ms.
fn wide(fan_out: FanOut, limit: u32) -> Topology {
    let mut topology = small();
    topology.vector_db.shards = 4;
    topology.vector_db.fan_out = fan_out;
    topology.vector_db.fan_out_limit = limit;
    topology.vector_db.merge_time = Dist::fixed(5.0);
    topology.shard.search_time = Dist::fixed(60.0);
    topology
}

#[test]
fn partitions_are_asked_at_once() {
    conform(&wide(FanOut::Parallel, 0), &[], once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let calls = outcome.calls("shard");
        assert_eq!(calls.len(), 4);
        assert!(all_at_once(&calls).is_some(), "{calls:#?}");
        let merge = outcome.spans("vector-db-0", "fan_in.merge");
        outcome.assert_took("the merge", merge[0].length_us(), 5 * MS);
        let search = outcome.the_served("vector-db-0");
        assert_eq!(search.attribute("rag.shards.answered"), "4");
        outcome.assert_took("the search", search.length_us(), 65 * MS);
        outcome.assert_whole();
    });
}

#[test]
fn partitions_are_asked_one_after_the_other() {
    for topology in [wide(FanOut::Serial, 0), wide(FanOut::Parallel, 1)] {
        conform(&topology, &[], once, |outcome| {
            assert_eq!(outcome.answer, 200);
            let calls = outcome.calls("shard");
            assert_eq!(calls.len(), 4);
            assert!(one_after_the_other(&calls), "{calls:#?}");
            let search = outcome.the_served("vector-db-0");
            outcome.assert_took("the search", search.length_us(), 245 * MS);
            outcome.assert_whole();
        });
    }
}

/// Asks a system of two partitions, of which the second is lost.
fn lose_a_partition(partial_results: bool, findings: impl Fn(&Outcome<(u16, serde_json::Value)>)) {
    let mut topology = small();
    topology.vector_db.partial_results = partial_results;
    conform(
        &topology,
        &[],
        async |stage: Stage| {
            stage.instance("shard-1-0").crash(NEVER_US);
            stage.asking("r-0").await.expect("no panic")
        },
        |outcome| {
            let failed = outcome
                .calls("shard")
                .into_iter()
                .filter(|call| call.error() == "UNAVAILABLE");
            assert_eq!(failed.count(), 1);
            findings(outcome);
            outcome.assert_whole();
        },
    );
}

#[test]
fn a_lost_partition_leaves_a_part_of_the_answer() {
    lose_a_partition(true, |outcome| {
        let (status, body) = &outcome.answer;
        assert_eq!((*status, &body["shards_answered"]), (200, &json!([0])));
        assert_eq!(body["shards_queried"], 2);
        let search = outcome.the_served("vector-db-0");
        assert_eq!(search.attribute("rag.shards.queried"), "2");
        assert_eq!(search.attribute("rag.shards.answered"), "1");
    });
}

#[test]
fn where_a_part_is_not_enough_a_lost_partition_fails_the_query() {
    lose_a_partition(false, |outcome| {
        let (status, body) = &outcome.answer;
        assert_eq!(
            (*status, &body["error"]["type"]),
            (503, &json!("unavailable"))
        );
        assert_eq!(outcome.the_served("vector-db-0").error(), "UNAVAILABLE");
        assert!(outcome.calls("reranker").is_empty());
    });
}
