//! Faults that refuse requests, hold messages up, double them, or spoil what is answered.

use ragdoll_fault_spec::{Match, Target};
use ragdoll_model::{Service, Topology};
use serde_json::{Value, json};

use super::{MS, Shown, Stage, Subject, conform, fault, small};

pub(crate) const SHOWN: &[Shown] = &[
    (
        a_refusal_by_a_service_is_its_own_span,
        &[
            Subject::on_service("error_rate"),
            Subject::on_service("fail_first"),
            Subject::on_service("poison_input"),
            Subject::on_service("bad_replica"),
        ],
    ),
    (
        what_exceeds_a_limit_is_refused,
        &[Subject::on_service("rate_limit")],
    ),
    (
        what_fails_on_the_way_never_comes_to_the_service,
        &[
            Subject::on_service("connection_reset"),
            Subject::on_service("connection_refused"),
            Subject::on_service("dns_failure"),
        ],
    ),
    (
        what_takes_time_on_the_way_is_no_work_of_the_service,
        &[
            Subject::on_service("jitter"),
            Subject::on_service("packet_loss"),
            Subject::on_service("bandwidth"),
            Subject::on_service("slow_close"),
        ],
    ),
    (
        a_doubled_request_is_served_twice,
        &[Subject::on_service("duplicate_request")],
    ),
    (
        an_answer_that_cannot_be_read_fails_its_call,
        &[
            Subject::on_service("malformed_response"),
            Subject::on_service("truncated_body"),
        ],
    ),
    (
        a_stream_breaks_in_the_middle,
        &[Subject::on_service("stream_cut")],
    ),
    (
        a_stream_stands_still_and_goes_on,
        &[Subject::on_service("stream_stall")],
    ),
    (
        a_straggler_takes_longer_over_a_search,
        &[Subject::on_service("straggler")],
    ),
];

async fn once(stage: Stage) -> u16 {
    stage.asking("r-0").await.expect("no panic").0
}

fn on_metadata() -> Target {
    Target::service(Service::METADATA)
}

#[test]
fn a_refusal_by_a_service_is_its_own_span() {
    let bad = json!({ "delay": { "fixed": { "ms": 30.0 } }, "failing_share": 1.0 });
    let cases: [(&str, Value, &str); 4] = [
        ("error_rate", json!({}), "INTERNAL"),
        ("fail_first", json!({ "requests": 1 }), "UNAVAILABLE"),
        ("poison_input", json!({}), "INTERNAL"),
        ("bad_replica", bad, "INTERNAL"),
    ];
    for (kind, params, error) in cases {
        let mut planned = fault(kind, on_metadata(), params);
        planned.spec.only = Some(Match {
            user: Some("user-1".to_owned()),
            ..Match::default()
        });
        conform(&small(), &[planned], once, |outcome| {
            assert!(outcome.answer >= 500, "{kind}: {}", outcome.answer);
            let served = outcome.the_served("metadata-0");
            assert_eq!(served.error(), error, "{kind}");
            assert_eq!(outcome.calls("metadata")[0].error(), error, "{kind}");
            outcome.assert_whole();
        });
    }
}

#[test]
fn what_exceeds_a_limit_is_refused() {
    let limit = fault("rate_limit", on_metadata(), json!({ "per_s": 1 }));
    let many = async |stage: Stage| super::together(&stage, 3).await;
    conform(&small(), &[limit], many, |outcome| {
        let refused = outcome.answer.iter().filter(|(status, _)| *status == 503);
        // Three requests may come in two seconds of the run.
        assert!((1..=2).contains(&refused.count()), "{:?}", outcome.answer);
        outcome.assert_whole();
    });
}

#[test]
fn what_fails_on_the_way_never_comes_to_the_service() {
    let after = json!({ "after": { "fixed": { "ms": 30.0 } } });
    let cases = [
        ("connection_reset", after, 30),
        ("connection_refused", json!({}), 0),
        ("dns_failure", json!({ "timeout_ms": 40.0 }), 40),
    ];
    for (kind, params, after_ms) in cases {
        let faults = [fault(kind, on_metadata(), params)];
        conform(&small(), &faults, once, |outcome| {
            assert_eq!(outcome.answer, 503, "{kind}");
            assert!(outcome.served("metadata-0").is_empty(), "{kind}");
            let call = outcome.calls("metadata")[0];
            assert_eq!(call.error(), "UNAVAILABLE", "{kind}");
            outcome.assert_took(kind, call.length_us(), after_ms * MS);
            outcome.assert_whole();
        });
    }
}

#[test]
fn what_takes_time_on_the_way_is_no_work_of_the_service() {
    let cases = [
        ("jitter", json!({ "up_to_ms": 200.0 })),
        (
            "packet_loss",
            json!({ "loss": 0.99, "retransmit_ms": 20.0 }),
        ),
        ("bandwidth", json!({ "mbps": 0.005 })),
        (
            "slow_close",
            json!({ "linger": { "fixed": { "ms": 60.0 } } }),
        ),
    ];
    for (kind, params) in cases {
        let faults = [fault(kind, on_metadata(), params)];
        conform(&small(), &faults, once, |outcome| {
            assert_eq!(outcome.answer, 200, "{kind}");
            let call = outcome.calls("metadata")[0];
            let served = outcome.the_served("metadata-0");
            let on_the_way_us = call.length_us() - served.length_us();
            assert!(on_the_way_us >= 5 * MS, "{kind}: {on_the_way_us}");
            outcome.assert_whole();
        });
    }
}

#[test]
fn a_doubled_request_is_served_twice() {
    let faults = [fault("duplicate_request", on_metadata(), json!({}))];
    let twice = async |stage: Stage| {
        let status = once(stage.clone()).await;
        let served = |seen: &crate::common::Seen| {
            let spans = seen.spans.iter();
            spans.filter(|span| span.instance == "metadata-0").count()
        };
        stage.until(|seen| served(seen) >= 2).await;
        status
    };
    conform(&small(), &faults, twice, |outcome| {
        assert_eq!(outcome.answer, 200);
        assert_eq!(outcome.calls("metadata").len(), 1);
        assert_eq!(outcome.served("metadata-0").len(), 2);
    });
}

#[test]
fn an_answer_that_cannot_be_read_fails_its_call() {
    for kind in ["malformed_response", "truncated_body"] {
        for (service, name, error) in [
            (Service::METADATA, "metadata", "INTERNAL"),
            (Service::LLM, "llm", "invalid_response"),
        ] {
            let faults = [fault(kind, Target::service(service), json!({}))];
            conform(&small(), &faults, once, |outcome| {
                assert_eq!(outcome.answer, 500, "{kind} of {name}");
                let call = outcome.calls(name)[0];
                assert_eq!(call.error(), error, "{kind} of {name}");
                let served = outcome.server_of(call).expect("it was served");
                assert_eq!(served.error(), "", "{kind} of {name}");
                outcome.assert_whole();
            });
        }
    }
}

fn streaming() -> Topology {
    let mut topology = small();
    topology.gateway.stream_llm = true;
    topology.llm.decode_base_ms = 5.0;
    topology
}

#[test]
fn a_stream_breaks_in_the_middle() {
    let target = Target::service(Service::LLM);
    let faults = [fault("stream_cut", target, json!({ "after": 3 }))];
    conform(&streaming(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 503);
        assert_eq!(outcome.calls("llm")[0].error(), "UNAVAILABLE");
    });
}

#[test]
fn a_stream_stands_still_and_goes_on() {
    let target = Target::service(Service::LLM);
    let stall = json!({ "after": 3, "stall_ms": 150.0 });
    let faults = [fault("stream_stall", target, stall)];
    conform(&streaming(), &faults, once, |outcome| {
        assert_eq!(outcome.answer, 200);
        let call = outcome.calls("llm")[0];
        assert!(call.length_us() >= 150 * MS, "{call:#?}");
        outcome.assert_whole();
    });
}

#[test]
fn a_straggler_takes_longer_over_a_search() {
    let mut topology = small();
    topology.shard.search_time = ragdoll_model::Dist::fixed(10.0);
    let target = Target::instance("shard-1-0");
    let slow = json!({ "service_time_factor": 5.0 });
    conform(
        &topology,
        &[fault("straggler", target, slow)],
        once,
        |outcome| {
            assert_eq!(outcome.answer, 200);
            let served = outcome.the_served("shard-1-0");
            outcome.assert_took("the search", served.length_us(), 50 * MS);
            outcome.assert_whole();
        },
    );
}
