//! Graphs of services: which faults they meet.

use ragdoll_fault_layers::{Faults, Planned};
use ragdoll_fault_spec::{Catalog as _, KindInfo, Target, edges};
use ragdoll_model::mitigation::Cache;
use ragdoll_model::stages::{Batch, Codec, Device, DiskUse, Generate, Repeat};
use ragdoll_model::topology::{Llm, LockScope, Memory};
use ragdoll_model::{
    Dist, GraphLock, GraphPool, GraphService, Service, Stage, TokenDist, Topology, Zone,
};
use ragdoll_telemetry::SpanKind;
use serde_json::{Value, json};

use crate::common::on_with;
use crate::common::shop::{ask, diamond, fault, name, once, span};

const SECOND: u64 = 1_000_000;

/// The diamond with all that a fault could need: memory, copies, health checks, zones.
fn rich() -> Topology {
    let mut topology = diamond();
    topology.network.health_check_ms = 500.0;
    topology.network.zones = vec![Zone {
        name: "front".to_owned(),
        members: vec!["frontend".to_owned()],
    }];
    topology.graph.deadline_ms = 5_000.0;
    let frontend = &mut topology.graph.services[0];
    // Held for so long that some wait for it.
    let lock = GraphLock {
        scope: LockScope::Global,
        hold: Dist::Exponential { mean_ms: 12.0 },
    };
    let disk = DiskUse {
        read_bytes: 4096,
        write_bytes: 4096,
        fsync: true,
    };
    frontend.memory = Some(Memory {
        budget_bytes: 1_200_000_000,
        base_bytes: 1_000_000_000,
        ..Memory::default()
    });
    let mut calls = std::mem::take(&mut frontend.calls);
    calls[2].pool = Some(GraphPool {
        size: 4,
        timeout_ms: 5_000.0,
    });
    let last = calls.split_off(2);
    frontend.service_time = GraphService::new(frontend.name).service_time;
    frontend.stages = vec![
        Stage::Work(Dist::lognormal(2.0, 0.3)),
        Stage::Lock(lock),
        Stage::Disk(disk),
        Stage::Calls(calls),
        Stage::Calls(last),
        Stage::Codec(Codec {
            us_per_kib: 500.0,
            ..Codec::default()
        }),
        Stage::Device(Device {
            slots: 4,
            work: Dist::lognormal(1.0, 0.3),
        }),
        Stage::Batch(Batch {
            service_time: Dist::lognormal(1.0, 0.3),
            ..Batch::default()
        }),
        Stage::Generate(Box::new(small_model())),
        Stage::Repeat(Repeat {
            stages: vec![Stage::Work(Dist::lognormal(1.0, 0.3))],
            again: 0.1,
            max_steps: 8,
            tokens_per_step: 0,
        }),
        // Behind all else, since whatever is behind it is not passed by those who find an answer here.
        Stage::Cache(Cache {
            entries: 100,
            ..Cache::default()
        }),
        Stage::Work(Dist::lognormal(2.0, 0.3)),
    ];
    topology.graph.services[1].instances = 2;
    topology
}

/// An engine that answers in some 20 ms.
fn small_model() -> Generate {
    Generate {
        engine: Llm {
            decode_base_ms: 2.0,
            decode_per_seq_ms: 0.1,
            ..Llm::default()
        },
        output_tokens: Some(TokenDist::Fixed { tokens: 8 }),
        instruction_tokens: 16,
    }
}

/// Something that makes a fault felt that by itself is not: a process that is cold has to start, and
/// only what fails is tried again.
fn company(kind: &KindInfo) -> Vec<Planned> {
    let on = |kind, service_name, params| fault(kind, Target::service(name(service_name)), params);
    match kind.name {
        "cold_start" => vec![on("crash", "frontend", json!({ "down_ms": 300.0 }))],
        "retry_storm" => {
            let mut failing = on("error_rate", "tax", json!({ "code": "UNAVAILABLE" }));
            failing.spec.probability = 0.3;
            vec![failing]
        }
        _ => Vec::new(),
    }
}

/// What a busy system says over 8 s, in 5 of which it is asked. Who hangs comes back after 4.
fn busy(mut faults: Vec<Planned>) -> String {
    for fault in &mut faults {
        fault.stop_us = 4 * SECOND;
    }
    let ((), seen) = on_with(rich(), faults, |ground| async move {
        let asking = ground.clone();
        // Asked twice, so that there is something for a cache to know.
        let asking = tokio::spawn(async move {
            ask(&asking, 100, 25_000).await;
            ask(&asking, 100, 25_000).await;
        });
        ground.clock.sleep_us(8 * SECOND).await;
        asking.abort();
    });
    seen.text
}

/// The parameters of a kind's example, with which it is felt in a small system in a short time.
fn felt(kind: &KindInfo) -> Value {
    match kind.name {
        "memory_leak" => json!({ "memory_leak_bytes_per_request": 4_000_000 }),
        "kv_cache_thrashing" => json!({ "blocks": 3 }),
        "context_overflow" => json!({ "context_tokens": 10 }),
        // An answer comes in one piece.
        "stream_stall" => json!({ "stall_ms": 1_500.0 }),
        _ => Faults.example(kind.name),
    }
}

#[test]
fn every_kind_that_means_something_in_a_graph_is_felt_there() {
    let topology = rich();
    let frontend = name("frontend");
    let undisturbed = busy(Vec::new());
    let (mut felt_kinds, mut not_felt) = (0, Vec::new());
    for kind in Faults
        .kinds()
        .into_iter()
        .filter(|kind| kind.services != [Service::CLIENT])
    {
        let acts = kind.graph.is_some();
        assert_eq!(
            kind.fits(frontend, &topology).is_ok(),
            acts && !kind.acts_on_zones(),
            "{}",
            kind.name
        );
        if !acts {
            continue;
        }
        let company = company(&kind);
        // Users do not look at what is wrong with an answer; services do.
        let target = match kind.name {
            "malformed_response" => Target::service(name("cart")),
            _ if kind.acts_on_zones() => Target::zones(&["front"]),
            _ => Target::service(frontend),
        };
        let mut faults = company.clone();
        let mut told = fault(kind.name, target, felt(&kind));
        if kind.name == "cache_stampede" {
            // When there is something that can expire.
            told.start_us = 5 * SECOND / 2;
        }
        faults.push(told);
        let without = match company.is_empty() {
            true => &undisturbed,
            false => &busy(company),
        };
        match busy(faults) == *without {
            true => not_felt.push(kind.name),
            false => felt_kinds += 1,
        }
    }
    assert!(not_felt.is_empty(), "not felt: {not_felt:?}");
    assert!(felt_kinds >= 35, "only {felt_kinds}");
}

#[test]
fn every_edge_may_have_a_fault() {
    let topology = diamond();
    let params = json!({ "delay": { "fixed": { "ms": 30.0 } } });
    let length_us = |faults| {
        let (_, seen) = once(diamond(), faults);
        span(&seen, "client-0", &SpanKind::Client).length_us()
    };
    let before = length_us(Vec::new());
    for (from, to) in edges(&topology) {
        let after = length_us(vec![fault(
            "latency",
            Target::edge(from, to),
            params.clone(),
        )]);
        assert!(
            after >= before + 29_000,
            "{from} -> {to}: {after} after {before}"
        );
    }
}

#[test]
fn the_same_seed_says_the_same() {
    assert!(busy(Vec::new()) == busy(Vec::new()));
}
