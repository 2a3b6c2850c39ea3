//! Stages that work on messages and accelerators, or work again and again, and faults of theirs.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::Target;
use ragdoll_model::mitigation::Cache;
use ragdoll_model::stages::{Codec, Device, Guard, Repeat, Search, SearchBy};
use ragdoll_model::{Dist, GraphService, Service, Stage as Step, Topology};
use serde_json::{Value, json};

use super::{MS, Shown, Stage, Subject, conform, fault, small, together};

pub(crate) const SHOWN: &[Shown] = &[
    (
        requests_wait_for_an_accelerator,
        &[
            Subject::Resource("device"),
            Subject::on_service("device_throttling"),
        ],
    ),
    (
        messages_take_time_by_their_bytes,
        &[
            Subject::Resource("codec"),
            Subject::on_service("serialisation_cost"),
        ],
    ),
    (
        a_loop_goes_on_until_its_last_step,
        &[Subject::on_instance("runaway_loop")],
    ),
    (
        a_cache_answers_in_place_of_what_follows,
        &[Subject::Resource("cache")],
    ),
    (
        a_question_that_is_turned_down_goes_no_further,
        &[Subject::Resource("workers")],
    ),
];

fn studio() -> Service {
    Service::from_name("studio").expect("a name")
}

/// One service that passes these stages.
fn studio_with(stages: Vec<Step>) -> Topology {
    let mut topology = small();
    let mut service = GraphService::new(studio());
    service.stages = stages;
    // Bytes of requests are few beside these.
    service.response_bytes = 1 << 20;
    topology.graph.services = vec![service];
    topology
}

fn on_studio(kind: &str, params: Value) -> [Planned; 1] {
    [fault(kind, Target::service(studio()), params)]
}

async fn two(stage: Stage) -> Vec<u16> {
    let answers = together(&stage, 2).await.into_iter();
    answers.map(|(status, _)| status).collect()
}

async fn one(stage: Stage) -> (u16, Value) {
    together(&stage, 1).await.remove(0)
}

#[test]
fn requests_wait_for_an_accelerator() {
    let device = Step::Device(Device {
        slots: 1,
        work: Dist::fixed(20.0),
    });
    let slow = on_studio("device_throttling", json!({ "factor": 3.0 }));
    for (faults, waited_ms) in [(&[][..], 20), (&slow[..], 60)] {
        conform(&studio_with(vec![device.clone()]), faults, two, |outcome| {
            assert_eq!(outcome.answer, [200, 200]);
            let waits = outcome.waits("studio-0", "queue.wait");
            assert_eq!(waits.len(), 1, "{waits:#?}");
            outcome.assert_took("the wait", waits[0].length_us(), waited_ms * MS);
            outcome.assert_whole();
        });
    }
}

#[test]
fn messages_take_time_by_their_bytes() {
    // 1,024 KiB and the question's few bytes.
    let codec = Step::Codec(Codec {
        us_per_kib: 20.0,
        size_factor: 1.0,
    });
    let dear = on_studio("serialisation_cost", json!({ "factor": 4.0 }));
    for (faults, least_us) in [(&[][..], 20_480), (&dear[..], 81_920)] {
        conform(&studio_with(vec![codec.clone()]), faults, one, |outcome| {
            assert_eq!(outcome.answer.0, 200);
            let spans = outcome.spans("studio-0", "message.serialize");
            assert_eq!(spans.len(), 1, "{spans:#?}");
            let took_us = spans[0].length_us();
            assert!(took_us >= least_us, "{took_us}");
            assert!(!outcome.is_exact() || took_us < least_us + 20, "{took_us}");
        });
    }
}

#[test]
fn a_loop_goes_on_until_its_last_step() {
    let steps = Step::Repeat(Repeat {
        stages: vec![Step::Work(Dist::fixed(20.0))],
        again: 0.0,
        max_steps: 3,
        tokens_per_step: 0,
    });
    let runaway = [fault(
        "runaway_loop",
        Target::instance("studio-0"),
        json!({ "again": 1.0 }),
    )];
    for (faults, steps_taken) in [(&[][..], 1), (&runaway[..], 3)] {
        conform(&studio_with(vec![steps.clone()]), faults, one, |outcome| {
            assert_eq!(outcome.answer.0, 200);
            let served = outcome.the_served("studio-0");
            outcome.assert_took("the request", served.length_us(), steps_taken * 20 * MS);
        });
    }
}

#[test]
fn a_cache_answers_in_place_of_what_follows() {
    let stages = vec![
        Step::Cache(Cache {
            entries: 10,
            ..Cache::default()
        }),
        Step::Search(Search {
            by: SearchBy::Keywords,
            limit: 3,
            ..Search::default()
        }),
        Step::Work(Dist::fixed(30.0)),
    ];
    let again = |stage: Stage| async move {
        let first = together(&stage, 1).await.remove(0);
        let second = together(&stage, 1).await.remove(0);
        (first.1["contexts"].clone(), second.1["contexts"].clone())
    };
    conform(&studio_with(stages.clone()), &[], again, |outcome| {
        let (first, second) = &outcome.answer;
        assert_eq!(first.as_array().map(Vec::len), Some(3), "{first}");
        assert_eq!(first, second, "what was found is kept");
        let served = outcome.served("studio-0");
        outcome.assert_took("the first", served[0].length_us(), 30 * MS);
        assert!(served[1].length_us() < 30 * MS, "{}", served[1].length_us());
    });
    let down = on_studio("cache_failure", json!({}));
    conform(&studio_with(stages), &down, again, |outcome| {
        let served = outcome.served("studio-0");
        outcome.assert_took("the second", served[1].length_us(), 30 * MS);
    });
}

#[test]
fn a_question_that_is_turned_down_goes_no_further() {
    let stages = vec![
        Step::Guard(Guard { blocked_share: 1.0 }),
        Step::Work(Dist::fixed(30.0)),
    ];
    conform(&studio_with(stages), &[], one, |outcome| {
        assert_eq!(outcome.answer.0, 200);
        let took_us = outcome.the_served("studio-0").length_us();
        assert!(took_us < 30 * MS, "{took_us}");
    });
}
