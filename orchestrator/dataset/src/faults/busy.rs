//! Faults of capacity: servers, processors, locks, connections, memory.

use ragdoll_score::Cause;
use serde_json::json;

use super::injection::Injection;
use super::scene::{Scene, Spot};
use crate::draw::{between, rounded};
use crate::systems::Place;

/// A fault of the scene's kind, where this is one of its kinds and the system can have it.
pub(super) fn draw(scene: &mut Scene<'_>) -> Option<Injection> {
    match scene.info.name {
        "queueing" => queueing(scene),
        "worker_loss" => worker_loss(scene),
        "cpu_throttling" => cpu_throttling(scene),
        "noisy_neighbour" | "gc_pause" => bursts(scene),
        "lock_contention" => lock_contention(scene),
        "lock_convoy" => lock_convoy(scene),
        "long_held_lock" | "index_compaction" => background_lock(scene),
        "deadlock" => deadlock(scene),
        "pool_exhaustion" => pool_exhaustion(scene),
        "kv_cache_thrashing" => kv_cache_thrashing(scene),
        "oom" => oom(scene),
        "memory_leak" => memory_leak(scene),
        _ => None,
    }
}

/// Servers that have no time to spare for what a place gets, if there are any.
fn too_few(place: &Place, scene: &mut Scene<'_>) -> Option<u32> {
    let least = between(0.95, 1.5, scene.rng);
    let servers = (place.busy() / least).floor() as u32;
    (servers >= 1 && servers < place.servers).then_some(servers)
}

/// Slower servers, or fewer where that is felt.
fn queueing(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let fewer = too_few(&spot.place, scene).filter(|_| between(0.0, 1.0, scene.rng) < 0.5);
    if let Some(servers) = fewer {
        let params = json!({ "servers": servers, "overflow": "wait" });
        let spec = scene.spec(&spot, params);
        let causes = scene.late(&spot, &[Cause::Queue]);
        return Some(scene.injection(&spot, spec, &causes));
    }
    let spare = f64::from(spot.place.servers) / spot.place.busy().max(1e-6);
    let most = (spare * 1.2).max(2.0);
    let factor = scene.felt_factor(spot.place.work_ms).clamp(1.5, most);
    let params = json!({ "service_time_factor": rounded(factor), "overflow": "wait" });
    let spec = scene.spec(&spot, params);
    let mut causes = scene.slower(&spot);
    causes.push(Cause::Queue);
    let causes = scene.late(&spot, &causes);
    Some(scene.injection(&spot, spec, &causes))
}

fn worker_loss(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|place| place.busy() >= 0.95)?;
    let workers = too_few(&spot.place, scene)?;
    let spec = scene.spec(&spot, json!({ "workers": workers }));
    let causes = scene.late(&spot, &[Cause::Queue]);
    Some(scene.injection(&spot, spec, &causes))
}

/// Processor time for less work than there is.
fn cpu_throttling(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|place| place.work_ms >= 3.0)?;
    let wanted_ms = spot.place.rate_per_s * spot.place.work_ms / 10.0;
    let quota_ms = (wanted_ms * between(0.7, 1.05, scene.rng)).max(1.0);
    let spec = scene.spec(&spot, json!({ "quota_ms": rounded(quota_ms) }));
    let causes = scene.late(&spot, &[Cause::Cpu]);
    Some(scene.injection(&spot, spec, &causes))
}

fn bursts(scene: &mut Scene<'_>) -> Option<Injection> {
    let is_theft = scene.info.name == "noisy_neighbour";
    let least_ms = if is_theft {
        scene.system.request_ms * 0.03
    } else {
        0.0
    };
    let spot = scene.somewhere(|place| place.work_ms >= least_ms)?;
    let every_ms = rounded(between(3500.0, 5000.0, scene.rng));
    let length_ms = rounded(every_ms * between(0.3, 0.5, scene.rng));
    let (params, cause) = if is_theft {
        let stolen = rounded(between(0.9, 0.98, scene.rng));
        let params = json!({ "stolen": stolen, "burst_ms": length_ms, "every_ms": every_ms });
        (params, Cause::Cpu)
    } else {
        let params = json!({ "pause_ms": length_ms, "every_ms": every_ms });
        (params, Cause::Memory)
    };
    let spec = scene.spec(&spot, params);
    let causes = scene.late(&spot, &[cause]);
    Some(scene.injection(&spot, spec, &causes))
}

/// A lock that is held nearly all of the time, or longer than requests come.
fn lock_contention(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|place| place.lock_ms.is_some())?;
    let share = between(0.9, 1.4, scene.rng);
    let hold_ms = share * 1000.0 / spot.place.rate_per_s;
    let hold = json!({ "exponential": { "mean_ms": rounded(hold_ms) } });
    let spec = scene.spec(&spot, json!({ "hold": hold }));
    let causes = scene.late(&spot, &[Cause::Lock]);
    Some(scene.injection(&spot, spec, &causes))
}

/// Handing over is slow where there is often somebody to hand over to.
fn lock_convoy(scene: &mut Scene<'_>) -> Option<Injection> {
    let taken = |place: &Place| place.lock_ms.unwrap_or(0.0) * place.rate_per_s / 1000.0;
    let spot = scene.somewhere(|place| taken(place) >= 0.28)?;
    let handoff_ms = 1000.0 / spot.place.rate_per_s * between(0.8, 1.3, scene.rng);
    let spec = scene.spec(&spot, json!({ "handoff_ms": rounded(handoff_ms) }));
    let causes = scene.late(&spot, &[Cause::Lock]);
    Some(scene.injection(&spot, spec, &causes))
}

fn background_lock(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|place| place.lock_ms.is_some())?;
    let every_ms = rounded(between(3500.0, 5500.0, scene.rng));
    let hold_ms = rounded(every_ms * between(0.3, 0.5, scene.rng));
    let params = json!({ "hold_ms": hold_ms, "every_ms": every_ms });
    let spec = scene.spec(&spot, params);
    let causes = scene.late(&spot, &[Cause::Lock]);
    Some(scene.injection(&spot, spec, &causes))
}

fn deadlock(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|place| place.lock_ms.is_some())?;
    let timeout_ms = rounded(between(250.0, 500.0, scene.rng));
    let mut spec = scene.spec(&spot, json!({ "timeout_ms": timeout_ms }));
    spec.probability = rounded(between(0.05, 0.12, scene.rng));
    let causes = scene.failing_with(&spot, &[Cause::Lock]);
    Some(scene.injection(&spot, spec, &causes))
}

/// Connections that are too few for how long they are used.
fn pool_exhaustion(scene: &mut Scene<'_>) -> Option<Injection> {
    let system = scene.system;
    let used = move |place: &Place| pooled_use(system, place);
    let spot = scene.somewhere(|place| used(place) >= 0.95)?;
    let left = (used(&spot.place) / between(0.95, 1.4, scene.rng))
        .floor()
        .max(1.0) as u32;
    let spec = scene.spec(&spot, json!({ "connections_left": left }));
    let causes = scene.late(&spot, &[Cause::ConnectionPool]);
    Some(scene.injection(&spot, spec, &causes))
}

/// Connections that one copy of a service uses on average, of its pool that is used most.
fn pooled_use(system: &crate::systems::System, place: &Place) -> f64 {
    use ragdoll_model::Service;

    let trip_ms = 0.6;
    let used = |callee: Service, calls_per_s: f64| {
        let call_ms = system.place(callee).map_or(0.0, |callee| callee.call_ms);
        calls_per_s * (call_ms + trip_ms) / 1000.0
    };
    if system.topology.graph.is_empty() {
        let has_pool = place.service == Service::GATEWAY;
        return if has_pool {
            used(Service::METADATA, place.rate_per_s)
        } else {
            0.0
        };
    }
    let service = system.topology.graph.service(place.service);
    let calls = service.into_iter().flat_map(|service| &service.calls);
    calls
        .filter(|call| call.pool.is_some())
        .map(|call| used(call.service, place.rate_per_s * call.probability))
        .fold(0.0, f64::max)
}

/// Fewer blocks than the sequences that run at once take.
fn kv_cache_thrashing(scene: &mut Scene<'_>) -> Option<Injection> {
    // The longest prompt fits alone: four long documents of 800 tokens, or ordinary ones, in blocks
    // of 16. An ordinary prompt of a thousand tokens takes 65.
    let longest = match scene.system.topology.corpus.long_topic_every {
        0 => 115.0,
        _ => 230.0,
    };
    let wanted = |place: &Place| 65.0 * place.busy();
    let spot = scene.service(|place| wanted(place) >= 0.8 * longest)?;
    let blocks = (wanted(&spot.place) * between(0.4, 1.0, scene.rng)).max(longest) as u32;
    let spec = scene.spec(&spot, json!({ "blocks": blocks }));
    let causes = scene.late(&spot, &[Cause::KvCache, Cause::Queue]);
    Some(scene.injection(&spot, spec, &causes))
}

/// Requests that take more memory than there is, several at once or each by itself.
fn oom(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let (memory, input_bytes) = memory_of(scene, &spot)?;
    let free = memory.budget_bytes.saturating_sub(memory.base_bytes) as f64;
    let share = between(0.4, 1.3, scene.rng);
    let params = json!({
        "bytes_per_input_byte": rounded(free * share / input_bytes),
        "reclaim_ms": rounded(between(100.0, 500.0, scene.rng)),
        "restart_ms": rounded(between(300.0, 2000.0, scene.rng)),
    });
    let spec = scene.spec(&spot, params);
    let causes = scene.failing_with(&spot, &[Cause::Memory]);
    Some(scene.injection(&spot, spec, &causes))
}

/// A leak that fills the memory two to four times in the phase.
fn memory_leak(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let (memory, _) = memory_of(scene, &spot)?;
    let free = memory.budget_bytes.saturating_sub(memory.base_bytes) as f64;
    let requests = spot.place.rate_per_s * scene.phase_s / between(2.5, 5.0, scene.rng);
    let leak = (free / requests.max(2.0)) as u64;
    let params = json!({ "memory_leak_bytes_per_request": leak });
    let spec = scene.spec(&spot, params);
    let causes = scene.failing_with(&spot, &[Cause::Memory]);
    Some(scene.injection(&spot, spec, &causes))
}

/// The memory of a place, and the bytes of input that a request brings.
fn memory_of(scene: &Scene<'_>, spot: &Spot) -> Option<(ragdoll_model::topology::Memory, f64)> {
    let topology = &scene.system.topology;
    let service = spot.place.service;
    let memory = topology.memory(service)?.clone();
    if topology.graph.is_empty() {
        // Documents of 200 tokens, of four bytes each.
        return Some((memory, 800.0 * f64::from(topology.gateway.candidates)));
    }
    let calls = topology.graph.services.iter().flat_map(|one| &one.calls);
    let bytes = calls
        .filter(|call| call.service == service)
        .map(|call| f64::from(call.request_bytes))
        .fold(f64::NAN, f64::min);
    // Of a query of a user, which nobody describes, a few hundred bytes are a guess.
    Some((memory, if bytes.is_nan() { 300.0 } else { bytes }))
}
