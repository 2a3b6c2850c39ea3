//! Messages that do not pass, between a target and everybody else.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::Target;
use ragdoll_model::{Dist, Service, Topology};
use serde_json::{Value, json};

use super::{MS, Outcome, Shown, Stage, Subject, conform, lasting, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_service_cut_off_gets_its_requests_when_it_is_back,
        &[Subject::on_service("partition")],
    ),
    (
        a_service_that_cannot_answer_does_its_work,
        &[Subject::on_service("partition")],
    ),
    (
        an_instance_cut_off_costs_its_part_of_the_answer,
        &[Subject::on_instance("partition")],
    ),
    (
        an_edge_that_is_cut_leaves_other_edges_alone,
        &[Subject::on_edge("partition")],
    ),
    (
        a_caller_gives_up_before_the_network_is_back,
        &[Subject::on_edge("partition"), Subject::Protocol("deadline")],
    ),
];

/// From the begin of the run until then the target is cut off.
const STOP_US: u64 = 300 * MS;

fn partition(target: Target, direction: &str) -> [Planned; 1] {
    let params = json!({ "direction": direction });
    [lasting("partition", target, params, 0, STOP_US)]
}

fn busy_reranker() -> Topology {
    let mut topology = small();
    topology.reranker.service_time = Dist::fixed(20.0);
    topology
}

async fn once(stage: Stage) -> (u16, Value) {
    stage.asking("r-0").await.expect("no panic")
}

fn assert_answered(outcome: &Outcome<(u16, Value)>) {
    assert_eq!(outcome.answer.0, 200, "{}", outcome.answer.1);
    outcome.assert_whole();
}

#[test]
fn a_service_cut_off_gets_its_requests_when_it_is_back() {
    for direction in ["both", "to"] {
        let faults = partition(Target::service(Service::RERANKER), direction);
        conform(&busy_reranker(), &faults, once, |outcome| {
            assert_answered(outcome);
            let call = outcome.calls("reranker")[0];
            let server = outcome.server_of(call).expect("it was served");
            assert!(outcome.run_us(call.start_us) < STOP_US, "{call:#?}");
            outcome.assert_at("the request's arrival", server.start_us, STOP_US);
            let witness = &outcome.witnesses[0];
            assert_eq!((witness.firings, witness.requests_touched), (1, 1));
            let held_us = STOP_US - outcome.run_us(call.start_us);
            if outcome.is_exact() {
                assert_eq!(witness.injected_us, held_us);
            }
            assert!(witness.injected_us > 0 && witness.injected_us <= held_us);
        });
    }
}

#[test]
fn a_service_that_cannot_answer_does_its_work() {
    let faults = partition(Target::service(Service::RERANKER), "from");
    conform(&busy_reranker(), &faults, once, |outcome| {
        assert_answered(outcome);
        let call = outcome.calls("reranker")[0];
        let server = outcome.server_of(call).expect("it was served");
        assert!(outcome.run_us(server.start_us) < STOP_US, "{server:#?}");
        outcome.assert_took("its work", server.length_us(), 20 * MS);
        outcome.assert_at("the answer's arrival", call.end_us, STOP_US);
    });
}

#[test]
fn an_instance_cut_off_costs_its_part_of_the_answer() {
    let mut topology = small();
    topology.vector_db.shard_call.timeout_ms = 100.0;
    let faults = partition(Target::instance("shard-1-0"), "both");
    conform(&topology, &faults, once, |outcome| {
        assert_answered(outcome);
        assert_eq!(outcome.answer.1["shards_answered"], json!([0]));
        let calls = outcome.calls("shard").into_iter();
        let (cut, open): (Vec<_>, Vec<_>) =
            calls.partition(|call| call.attribute("server.instance") == "shard-1-0");
        assert_eq!((cut[0].error(), open[0].error()), ("DEADLINE_EXCEEDED", ""));
        outcome.assert_took("patience", cut[0].length_us(), 100 * MS);
        assert!(outcome.served("shard-1-0").is_empty());
    });
}

#[test]
fn an_edge_that_is_cut_leaves_other_edges_alone() {
    for (to, name) in [(Service::EMBEDDER, "embedder"), (Service::LLM, "llm")] {
        let faults = partition(Target::edge(Service::GATEWAY, to), "both");
        conform(
            &small(),
            &faults,
            async |stage: Stage| {
                // The worker reaches the embedder by an edge of its own.
                let sent = stage.send("d-0", 5_000, "text").await.0;
                let answer = once(stage.clone()).await;
                stage
                    .until(|seen| seen.logs_of("document indexed").next().is_some())
                    .await;
                assert_eq!(sent, 202);
                answer
            },
            |outcome| {
                assert_answered(outcome);
                let trace = outcome.seen.trace_of("r-0");
                let calls = outcome.calls(name).into_iter();
                let mut calls = calls.filter(|call| call.trace == trace[0].trace);
                let call = calls.next().expect("the gateway's call");
                let server = outcome.server_of(call).expect("it was served");
                assert!(outcome.run_us(call.start_us) < STOP_US, "{call:#?}");
                outcome.assert_at("the request's arrival", server.start_us, STOP_US);
                assert_eq!(outcome.witnesses[0].requests_touched, 1);
            },
        );
    }
}

#[test]
fn a_caller_gives_up_before_the_network_is_back() {
    let mut topology = small();
    topology.gateway.deadline_ms = 80.0;
    let faults = partition(Target::edge(Service::GATEWAY, Service::METADATA), "both");
    conform(&topology, &faults, once, |outcome| {
        let (status, body) = &outcome.answer;
        assert_eq!((*status, &body["error"]["type"]), (504, &json!("timeout")));
        let calls = outcome.calls("metadata");
        assert_eq!(calls.len(), 1);
        assert!(
            ["DEADLINE_EXCEEDED", "CANCELLED"].contains(&calls[0].error()),
            "{calls:#?}"
        );
        assert!(
            outcome.served("metadata-0").is_empty(),
            "the request never got there"
        );
        let gateway = outcome.the_served("gateway-0");
        assert_eq!(gateway.error(), "504");
        outcome.assert_took("the deadline", gateway.length_us(), 80 * MS);
        outcome.assert_whole();
    });
}
