//! Faults that do nothing leave no trace, and those that do something only their effect.

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{Dist, Service, Topology};
use ragdoll_telemetry::SpanKind;
use serde_json::{Value, json};

use crate::common::{Ground, Seen, on_with, steady};

const SECOND: u64 = 1_000_000;
const NEVER: u64 = u64::MAX / 4;

fn planned(kind: &str, target: Target, params: Value) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us: 0,
        stop_us: NEVER,
    }
}

/// One of each kind, all of which would be felt.
fn each_kind() -> Vec<Planned> {
    let service = Target::service;
    let delay = json!({ "delay": { "lognormal": { "median_ms": 200.0, "sigma": 0.5 } } });
    vec![
        planned(
            "latency",
            Target::edge(Service::GATEWAY, Service::LLM),
            delay.clone(),
        ),
        planned("latency", Target::instance("shard-2-0"), delay),
        planned(
            "lock_contention",
            service(Service::METADATA),
            json!({ "hold": { "fixed": { "ms": 400.0 } } }),
        ),
        planned(
            "oom",
            service(Service::RERANKER),
            json!({ "budget_bytes": 1 }),
        ),
        planned(
            "queueing",
            service(Service::LLM),
            json!({ "servers": 1, "service_time_factor": 3.0 }),
        ),
        planned("crash", service(Service::METADATA), json!({})),
        planned("hang", service(Service::RERANKER), json!({})),
        planned("partition", service(Service::EMBEDDER), json!({})),
        planned(
            "partition",
            Target::edge(Service::VECTOR_DB, Service::SHARD),
            json!({ "direction": "from" }),
        ),
        planned(
            "cpu_throttling",
            service(Service::RERANKER),
            json!({ "quota_ms": 1.0 }),
        ),
    ]
}

/// What a system says over ten seconds in which it is asked ten times.
fn said(faults: Vec<Planned>) -> Seen {
    let ((), seen) = on_with(Topology::default(), faults, |ground| async move {
        for number in 0..10 {
            let ground = ground.clone();
            tokio::spawn(async move {
                ground.clock.sleep_us(u64::from(number) * SECOND / 2).await;
                let query = ground.query(number, number);
                ground.ask(&format!("r-{number}"), &query).await
            });
        }
        ground.clock.sleep_us(10 * SECOND).await;
    });
    seen
}

#[test]
fn a_fault_that_is_off_costs_nothing() {
    let healthy = said(Vec::new()).text;
    for fault in each_kind() {
        let name = format!("{} on {}", fault.spec.kind, fault.spec.target);
        assert_ne!(said(vec![fault.clone()]).text, healthy, "{name} is felt");
        let mut improbable = fault.clone();
        improbable.spec.probability = 0.0;
        assert!(
            said(vec![improbable]).text == healthy,
            "{name} at probability 0"
        );
        let late = Planned {
            start_us: NEVER - 1,
            ..fault
        };
        assert!(said(vec![late]).text == healthy, "{name} after the end");
    }
}

/// A service's delay lies within its server span, an edge's between client span and server span.
#[test]
fn a_delay_lies_where_its_target_is() {
    let delay = json!({ "delay": { "fixed": { "ms": 100.0 } } });
    let lengths_ms = |target: Target| {
        let faults = vec![planned("latency", target, delay.clone())];
        let ((), seen) = on_with(steady(), faults, |ground| async move {
            ground.ask("r-1", &ground.query(5, 9)).await;
        });
        let length = |kind: SpanKind| {
            let name = "ragdoll.v1.Metadata/Lookup";
            let span = seen.spans.iter().find(|span| span.is(kind.clone(), name));
            span.expect("a look-up").length_us() / 1000
        };
        (length(SpanKind::Client), length(SpanKind::Server))
    };
    assert_eq!(lengths_ms(Target::service(Service::LLM)), (2, 2));
    assert_eq!(lengths_ms(Target::service(Service::METADATA)), (102, 102));
    assert_eq!(
        lengths_ms(Target::edge(Service::GATEWAY, Service::METADATA)),
        (102, 2)
    );
}

/// What the file promises of a process that runs out of memory.
#[test]
fn a_reranker_without_memory_dies_and_comes_back() {
    let params = json!({ "budget_bytes": 1, "reclaim_ms": 500.0, "restart_ms": 2000.0 });
    let faults = vec![Planned {
        stop_us: SECOND,
        ..planned("oom", Target::service(Service::RERANKER), params)
    }];
    let ((), seen) = on_with(steady(), faults, |ground| async move {
        let (status, _) = ground.ask("cut", &ground.query(5, 9)).await;
        assert_eq!(status, 503);
        ground.clock.sleep_us(3 * SECOND).await;
        let (status, _) = ground.ask("after", &ground.query(5, 9)).await;
        assert_eq!(status, 200);
    });
    let messages: Vec<&str> = seen
        .logs
        .iter()
        .filter(|line| line["instance"] == "reranker-0")
        .filter_map(|line| line["message"].as_str())
        .collect();
    let expected = [
        "memory low, reclaiming",
        "OutOfMemory: process killed",
        "process started",
        "documents reranked",
    ];
    assert_eq!(messages, expected);
}

const RERANK: &str = "ragdoll.v1.Reranker/Rerank";

/// A fault on the reranker from 1 s to 3 s.
fn on_reranker(kind: &str, params: Value) -> Vec<Planned> {
    vec![Planned {
        start_us: SECOND,
        stop_us: 3 * SECOND,
        ..planned(kind, Target::service(Service::RERANKER), params)
    }]
}

/// A system whose reranker works for 500 ms, and whose gateway waits for it for 5 s.
fn slow_reranker() -> Topology {
    let mut topology = steady();
    topology.reranker.service_time = Dist::fixed(500.0);
    topology.reranker.per_document_ms = 0.0;
    topology.gateway.reranker_call.timeout_ms = 5_000.0;
    topology
}

/// Asks at `at_us`; returns the status and when the answer was there.
fn asked_at(ground: &Ground, at_us: u64) -> tokio::task::JoinHandle<(u16, u64)> {
    let ground = ground.clone();
    tokio::spawn(async move {
        ground.clock.sleep_until_us(at_us).await;
        let query = ground.query(5, 9);
        let (status, _) = ground.ask(&format!("r-{at_us}"), &query).await;
        (status, ground.clock.now_us())
    })
}

/// Statuses, and times of the answers in milliseconds, of queries sent at these times.
async fn answers<const N: usize>(ground: &Ground, at_us: [u64; N]) -> [(u16, u64); N] {
    let asked = at_us.map(|at_us| asked_at(ground, at_us));
    let mut answers = [(0, 0); N];
    for (answer, asked) in answers.iter_mut().zip(asked) {
        let (status, done_us) = asked.await.expect("no panic");
        *answer = (status, done_us / 1000);
    }
    answers
}

/// Start and end in milliseconds of the span of this kind that a request has of the reranking.
fn reranking(seen: &Seen, request_id: &str, kind: SpanKind) -> Option<(u64, u64)> {
    let epoch_us = 1_735_689_600_000_000;
    let trace = seen.trace_of(request_id);
    let span = trace.iter().find(|span| span.is(kind.clone(), RERANK))?;
    Some((
        (span.start_us - epoch_us) / 1000,
        (span.end_us - epoch_us) / 1000,
    ))
}

#[test]
fn a_crash_cuts_what_is_in_progress_and_refuses_until_the_process_is_back() {
    let faults = on_reranker("crash", json!({ "down_ms": 800.0 }));
    let (answers, seen) = on_with(slow_reranker(), faults, |ground| async move {
        let answers = answers(&ground, [700_000, 1_500_000, 1_900_000]).await;
        ground.clock.sleep_until_us(4 * SECOND).await;
        answers
    });
    let [cut, refused, after] = answers;
    assert_eq!(cut, (503, 1_000));
    assert_eq!((refused.0, refused.1 < 1_600), (503, true));
    assert_eq!(after.0, 200, "the process is back before the fault is over");
    assert_eq!(reranking(&seen, "r-700000", SpanKind::Server), None);
    let starts: Vec<_> = seen.logs_of("process started").collect();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0]["instance"], "reranker-0");
    assert_eq!(starts[0]["timestamp"], "2025-01-01T00:00:01.800000Z");
}

#[test]
fn a_crash_without_a_time_of_its_own_lasts_as_long_as_the_fault() {
    let faults = on_reranker("crash", json!({}));
    let ((), seen) = on_with(steady(), faults, |ground| async move {
        ground.clock.sleep_until_us(4 * SECOND).await;
    });
    let starts: Vec<_> = seen.logs_of("process started").collect();
    assert_eq!(starts.len(), 1);
    assert_eq!(starts[0]["timestamp"], "2025-01-01T00:00:03.000000Z");
}

#[test]
fn a_process_that_hangs_lets_nothing_in_or_out_until_it_goes_on() {
    let faults = on_reranker("hang", json!({}));
    let (answers, seen) = on_with(slow_reranker(), faults, |ground| async move {
        let answers = answers(&ground, [700_000, 1_500_000, 3_100_000]).await;
        ground.clock.sleep_until_us(5 * SECOND).await;
        answers
    });
    assert!(answers.iter().all(|(status, _)| *status == 200));
    let [in_progress, within, _] = answers.map(|(_, done_ms)| done_ms);
    // Its half second passed while the process stood still, so that it is done at once; another's
    // begins when the process goes on.
    let served = reranking(&seen, "r-700000", SpanKind::Server).expect("served");
    assert_eq!((served.0 < 1_000, served.1), (true, 3_000));
    assert!((3_000..3_500).contains(&in_progress), "{in_progress}");
    let served = reranking(&seen, "r-1500000", SpanKind::Server).expect("served");
    assert_eq!(served, (3_000, 3_500), "no span begins before");
    assert!((3_500..4_000).contains(&within), "{within}");
    let sampled = |instance: &str| {
        let samples = seen.samples.iter();
        let uptime =
            |(of, gauge, _): &&(String, &str, f64)| of == instance && *gauge == "process.uptime";
        let times = samples.filter(uptime).map(|(_, _, value)| *value);
        times.collect::<Vec<f64>>()
    };
    assert_eq!(sampled("metadata-0"), [1.0, 2.0, 3.0, 4.0]);
    assert_eq!(
        sampled("reranker-0"),
        [3.0, 4.0],
        "it says nothing meanwhile"
    );
}

#[test]
fn a_caller_of_a_hung_process_gives_up_and_the_process_hears_of_it_when_it_goes_on() {
    let mut topology = slow_reranker();
    topology.gateway.reranker_call.timeout_ms = 1_000.0;
    let faults = on_reranker("hang", json!({}));
    let (answers, seen) = on_with(topology, faults, |ground| async move {
        let answers = answers(&ground, [700_000, 1_500_000]).await;
        ground.clock.sleep_until_us(4_500_000).await;
        answers
    });
    let [in_progress, within] = answers;
    assert_eq!((in_progress.0, within.0), (504, 504));
    assert!(in_progress.1 < 1_900 && within.1 < 2_700, "{answers:?}");
    let trace = seen.trace_of("r-700000");
    let served = trace.iter().find(|span| span.is(SpanKind::Server, RERANK));
    assert_eq!(served.expect("it had begun").error(), "CANCELLED");
    let served = reranking(&seen, "r-700000", SpanKind::Server).expect("it had begun");
    assert_eq!(served.1, 3_000);
    assert_eq!(reranking(&seen, "r-1500000", SpanKind::Server), None);
    assert_eq!(seen.gauge("reranker-0", "worker.utilization"), 0.0);
    assert_eq!(seen.left_open, 0);
}

/// The server of a partitioned service never sees the request; of one that only cannot answer, it
/// does its work.
#[test]
fn a_partition_holds_messages_between_client_span_and_server_span() {
    let spans = |direction: &str| {
        let faults = on_reranker("partition", json!({ "direction": direction }));
        let ((), seen) = on_with(slow_reranker(), faults, |ground| async move {
            answers(&ground, [1_500_000]).await;
        });
        let of = |kind: SpanKind| reranking(&seen, "r-1500000", kind).expect("both sides");
        (of(SpanKind::Client), of(SpanKind::Server))
    };
    let ((sent_ms, done_ms), served) = spans("both");
    assert!(sent_ms < 1_600, "{sent_ms}");
    assert_eq!((done_ms, served), (3_500, (3_000, 3_500)));
    let ((sent_ms, done_ms), served) = spans("from");
    assert!(served.0 <= sent_ms + 1 && served.1 < 2_200, "{served:?}");
    assert_eq!(done_ms, 3_000);
}

#[test]
fn a_throttled_processor_stops_work_between_its_shares() {
    let faults = on_reranker("cpu_throttling", json!({ "quota_ms": 10.0 }));
    let (answers, seen) = on_with(slow_reranker(), faults, |ground| async move {
        answers(&ground, [1_500_000, 4_000_000]).await
    });
    assert!(answers.iter().all(|(status, _)| *status == 200));
    let throttled = |request: &str| {
        let trace = seen.trace_of(request);
        let stopped = trace.iter().filter(|span| span.name == "cpu.throttled");
        stopped.map(|span| span.length_us()).sum::<u64>()
    };
    assert!(
        throttled("r-1500000") > SECOND,
        "{}",
        throttled("r-1500000")
    );
    assert_eq!(throttled("r-4000000"), 0, "the quota is gone");
}
