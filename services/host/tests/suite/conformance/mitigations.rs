//! What protects a system: work that is shared, and work that is refused.

use ragdoll_model::Dist;

use super::{Shown, Stage, Subject, conform, small, together};

pub(crate) const SHOWN: &[Shown] = &[
    (
        two_who_ask_the_same_at_once_share_one_look_up,
        &[Subject::Resource("coalescing")],
    ),
    (
        a_request_past_the_limit_is_refused_at_once,
        &[Subject::Resource("shedding")],
    ),
];

#[test]
fn two_who_ask_the_same_at_once_share_one_look_up() {
    for shares in [true, false] {
        let mut topology = small();
        topology.gateway.coalesce_metadata = shares;
        topology.metadata.service_time = Dist::fixed(150.0);
        let both = async |stage: Stage| {
            let asked = [stage.asking("r-0"), stage.asking("r-1")];
            let mut answers = Vec::new();
            for asking in asked {
                answers.push(asking.await.expect("no panic").0);
            }
            answers
        };
        conform(&topology, &[], both, |outcome| {
            assert_eq!(outcome.answer, [200, 200]);
            let look_ups = if shares { 1 } else { 2 };
            assert_eq!(outcome.served("metadata-0").len(), look_ups);
            assert_eq!(outcome.served("llm-0").len(), 2);
            outcome.assert_whole();
        });
    }
}

#[test]
fn a_request_past_the_limit_is_refused_at_once() {
    let mut topology = small();
    topology.reranker.shedding.max_in_flight = 1;
    topology.reranker.service_time = Dist::fixed(300.0);
    let two = async |stage: Stage| {
        let answers = together(&stage, 2).await;
        answers
            .into_iter()
            .map(|(status, _)| status)
            .collect::<Vec<u16>>()
    };
    conform(&topology, &[], two, |outcome| {
        let served = outcome.answer.iter().filter(|status| **status == 200);
        assert_eq!(served.count(), 1, "{:?}", outcome.answer);
        let refused = outcome
            .answer
            .iter()
            .filter(|status| matches!(status, 429 | 503));
        assert_eq!(refused.count(), 1, "{:?}", outcome.answer);
        let errors = outcome.served("reranker-0");
        let errors = errors
            .iter()
            .filter(|span| span.error() == "RESOURCE_EXHAUSTED");
        assert_eq!(errors.count(), 1);
        outcome.assert_whole();
    });
}
