//! Faults that do nothing leave no trace, and those that do something only their effect.

mod common;

use ragdoll_fault_layers::Planned;
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{Service, Topology};
use ragdoll_telemetry::SpanKind;
use serde_json::{Value, json};

use common::{Seen, on_with, steady};

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
            Target::edge(Service::Gateway, Service::Llm),
            delay.clone(),
        ),
        planned("latency", Target::instance("shard-2-0"), delay),
        planned(
            "lock_contention",
            service(Service::Metadata),
            json!({ "hold": { "fixed": { "ms": 400.0 } } }),
        ),
        planned(
            "oom",
            service(Service::Reranker),
            json!({ "budget_bytes": 1 }),
        ),
        planned(
            "queueing",
            service(Service::Llm),
            json!({ "servers": 1, "service_time_factor": 3.0 }),
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
    assert_eq!(lengths_ms(Target::service(Service::Llm)), (2, 2));
    assert_eq!(lengths_ms(Target::service(Service::Metadata)), (102, 102));
    assert_eq!(
        lengths_ms(Target::edge(Service::Gateway, Service::Metadata)),
        (102, 2)
    );
}

/// What the file promises of a process that runs out of memory.
#[test]
fn a_reranker_without_memory_dies_and_comes_back() {
    let params = json!({ "budget_bytes": 1, "reclaim_ms": 500.0, "restart_ms": 2000.0 });
    let faults = vec![Planned {
        stop_us: SECOND,
        ..planned("oom", Target::service(Service::Reranker), params)
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
