//! What is done to a system without anybody feeling it: nobody may be blamed for it.

use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, FaultSpec, Target};
use ragdoll_model::Service;
use ragdoll_runtime::Rng;
use ragdoll_score::SystemKind;
use serde_json::json;

use super::injection::{Injection, Strength};
use super::load;
use super::scene::Scene;
use crate::draw::{between, pick, rounded, whole};
use crate::systems::System;

/// Kinds of decoys that any system can have.
const EVERYWHERE: [&str; 8] = [
    "clock_skew",
    "latency",
    "load_spike",
    "gc_pause",
    "queueing",
    "worker_loss",
    "lock_contention",
    "jitter",
];

/// Those that only a system for retrieval-augmented generation has: worse answers that are as quick
/// as before, and what befalls the documents on their way into the index.
const RAG: [&str; 5] = [
    "stale_index",
    "partial_gather",
    "slow_aggregation",
    "ingest",
    "ingest",
];

/// A change that should not matter; nothing where the drawn one means nothing in this system.
pub(crate) fn draw(system: &System, phase_s: f64, rng: &mut Rng) -> Option<Injection> {
    let mut all = EVERYWHERE.to_vec();
    if system.kind == SystemKind::Rag {
        all.extend(RAG);
    }
    let what = pick(&all, rng);
    if what == "ingest" {
        return ingest(system, rng);
    }
    let info = Faults.kind(what)?;
    let mut scene = Scene {
        info: &info,
        system,
        phase_s,
        strength: Strength::Alone,
        rng,
    };
    if what == "load_spike" {
        let spec = load::harmless_spike(&mut scene)?;
        let entry = system.topology.entry();
        return Some(decoy(info.name, entry, None, spec));
    }
    let spot = match what {
        "lock_contention" => scene.somewhere(|place| place.lock_ms.is_some())?,
        "queueing" | "worker_loss" => {
            scene.somewhere(|place| place.busy() / f64::from(place.servers) < 0.1)?
        }
        _ => scene.somewhere(|_| true)?,
    };
    let params = params(&mut scene, &spot.place);
    let spec = scene.spec(&spot, params);
    Some(decoy(info.name, spot.place.service, spot.instance, spec))
}

/// Parameters with which a kind is not felt.
fn params(scene: &mut Scene<'_>, place: &crate::systems::Place) -> serde_json::Value {
    let small_ms = rounded((scene.system.request_ms * between(0.003, 0.015, scene.rng)).min(5.0));
    match scene.info.name {
        "clock_skew" => {
            let skew_us = f64::from(whole(5, 400, scene.rng)) * 1000.0;
            let sign = pick(&[-1.0, 1.0], scene.rng);
            json!({ "clock_skew_us": (sign * skew_us) as i64 })
        }
        "latency" => json!({ "delay": { "fixed": { "ms": small_ms } } }),
        "jitter" => json!({ "up_to_ms": small_ms }),
        "gc_pause" => json!({ "pause_ms": small_ms, "every_ms": 1000.0 }),
        "queueing" => json!({ "servers": ample(place), "overflow": "wait" }),
        "worker_loss" => json!({ "workers": ample(place) }),
        "lock_contention" => {
            let hold_ms = (small_ms + place.lock_ms.unwrap_or(0.0)).min(4.0);
            json!({ "hold": { "fixed": { "ms": rounded(hold_ms) } } })
        }
        "stale_index" => json!({ "stale_share": rounded(between(0.1, 0.9, scene.rng)) }),
        "partial_gather" => {
            let shards = scene.system.topology.vector_db.shards;
            json!({ "partition": whole(0, shards - 1, scene.rng) })
        }
        _ => json!({ "merge_time_factor": rounded(between(1.5, 3.0, scene.rng)) }),
    }
}

/// Fewer servers, and still several times as many as are busy.
fn ample(place: &crate::systems::Place) -> u32 {
    let needed = (place.busy() * 5.0).ceil() as u32 + 1;
    needed.min(place.servers)
}

/// Something is wrong with how documents come into the index, for which no query waits.
fn ingest(system: &System, rng: &mut Rng) -> Option<Injection> {
    if system.workload.ingest_per_s == 0.0 {
        return None;
    }
    let (kind, target, params) = match whole(0, 2, rng) {
        0 => (
            "latency",
            Target::service(Service::INGEST_API),
            json!({ "delay": { "fixed": { "ms": 500.0 } } }),
        ),
        1 => (
            "error_rate",
            Target::service(Service::INGEST_API),
            json!({ "code": "INTERNAL" }),
        ),
        _ => (
            "latency",
            Target::edge(Service::INGEST_WORKER, Service::EMBEDDER),
            json!({ "delay": { "fixed": { "ms": 400.0 } } }),
        ),
    };
    let service = match target.edge {
        Some(_) => Service::INGEST_WORKER,
        None => Service::INGEST_API,
    };
    let spec = FaultSpec::new(kind, target, params);
    Some(decoy(kind, service, None, spec))
}

fn decoy(
    kind: &'static str,
    service: Service,
    instance: Option<String>,
    mut spec: FaultSpec,
) -> Injection {
    spec.decoy = true;
    spec.params = Faults
        .resolve(&spec.kind, &spec.params)
        .unwrap_or_else(|error| panic!("a drawn decoy `{kind}` is not valid: {error}"));
    Injection {
        specs: vec![spec],
        kind,
        service,
        instance,
        causes: Vec::new(),
    }
}
