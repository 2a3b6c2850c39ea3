//! Faults that make calls take longer: delays, slower work, and what the network does.

use ragdoll_score::Cause;
use serde_json::json;

use super::injection::Injection;
use super::scene::Scene;
use crate::draw::{between, log_between, rounded};
use crate::systems::graph_facts::saved_by_parallel_ms;

/// A fault of the scene's kind, where this is one of its kinds and the system can have it.
pub(super) fn draw(scene: &mut Scene<'_>) -> Option<Injection> {
    match scene.info.name {
        "latency" => latency(scene),
        "jitter" | "packet_loss" | "bandwidth" | "slow_close" => wire(scene),
        "stream_stall" => stream_stall(scene),
        "straggler" | "hot_shard" => slow_search(scene),
        "slow_aggregation" => slow_aggregation(scene),
        "serial_fan_out" => serial_fan_out(scene),
        "batch_blocking" => batch_blocking(scene),
        "cold_start" => cold_start(scene),
        "bad_replica" => bad_replica(scene),
        _ => None,
    }
}

fn latency(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.anywhere(|_| true)?;
    let params = json!({ "delay": scene.delay() });
    let mut spec = scene.spec(&spot, params);
    spec.probability = scene.most();
    let causes = if spot.on_edge {
        scene.farther(&spot)
    } else {
        scene.slower(&spot)
    };
    let causes = scene.late(&spot, &causes);
    Some(scene.injection(&spot, spec, &causes))
}

fn wire(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.anywhere(|_| true)?;
    let params = match scene.info.name {
        "jitter" => json!({ "up_to_ms": scene.felt_ms() * 1.5 }),
        // The other side sends again after 200 ms, so that the loss decides how much it is felt.
        "packet_loss" => {
            let least = (scene.system.request_ms / 1000.0).clamp(0.15, 0.4);
            json!({ "loss": rounded(between(least, 0.55, scene.rng)) })
        }
        // A message of a few hundred bytes, in its frame.
        "bandwidth" => {
            let bits = 8.0 * log_between(200.0, 800.0, scene.rng);
            json!({ "mbps": rounded(bits / scene.felt_ms() / 1000.0) })
        }
        _ => json!({ "linger": scene.delay() }),
    };
    let spec = scene.spec(&spot, params);
    let mut causes = scene.farther(&spot);
    if scene.info.name == "slow_close" {
        causes.push(Cause::ConnectionPool);
    }
    let causes = scene.late(&spot, &causes);
    Some(scene.injection(&spot, spec, &causes))
}

fn stream_stall(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.anywhere(|_| true)?;
    let stall_ms = scene.felt_ms() * 1.5;
    let mut spec = scene.spec(&spot, json!({ "after": 0, "stall_ms": stall_ms }));
    spec.probability = scene.most();
    let causes = scene.farther(&spot);
    let causes = scene.late(&spot, &causes);
    Some(scene.injection(&spot, spec, &causes))
}

/// Searches of a shard, and the work of any other service, that take longer for some requests.
fn slow_search(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.instance(|_| true)?;
    let factor = scene.felt_factor(spot.place.work_ms);
    let factor = rounded(factor.clamp(1.5, factor_max(&spot.place)));
    let share = rounded(between(0.4, 0.9, scene.rng));
    let params = match scene.info.name {
        "straggler" => json!({ "service_time_factor": factor, "share": share }),
        _ => json!({ "user_share": share, "search_time_factor": factor }),
    };
    let spec = scene.spec(&spot, params);
    let mut causes = scene.slower(&spot);
    causes.push(Cause::Queue);
    let causes = scene.late(&spot, &causes);
    Some(scene.injection(&spot, spec, &causes))
}

/// How many times as long the work at a place may take before its servers have no more time for it.
fn factor_max(place: &crate::systems::Place) -> f64 {
    let spare = f64::from(place.servers) / place.busy().max(1e-6);
    (spare * 2.0).clamp(2.0, 2000.0)
}

fn slow_aggregation(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.service(|_| true)?;
    let merge_ms = crate::draw::mean_ms(&scene.system.topology.vector_db.merge_time);
    let factor = scene.felt_factor(merge_ms).min(10_000.0);
    let spec = scene.spec(&spot, json!({ "merge_time_factor": factor }));
    let causes = scene.late(&spot, &[Cause::FanIn]);
    Some(scene.injection(&spot, spec, &causes))
}

fn serial_fan_out(scene: &mut Scene<'_>) -> Option<Injection> {
    let system = scene.system;
    let least_ms = system.request_ms * 0.3;
    let is_felt = move |place: &crate::systems::Place| {
        let graph = &system.topology.graph;
        if !graph.is_empty() {
            return saved_by_parallel_ms(graph, place.service) > least_ms;
        }
        let Some(shard) = system.place(ragdoll_model::Service::SHARD) else {
            return false;
        };
        f64::from(shard.siblings - 1) * shard.call_ms > least_ms
    };
    let spot = scene.service(is_felt)?;
    let spec = scene.spec(&spot, json!({}));
    let causes = scene.late(&spot, &[Cause::SerialCalls]);
    Some(scene.injection(&spot, spec, &causes))
}

fn batch_blocking(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let item_ms = scene.system.topology.embedder.per_item_ms;
    let factor = (scene.felt_factor(item_ms) * 3.0).min(10_000.0);
    let mut spec = scene.spec(&spot, json!({ "item_factor": rounded(factor) }));
    spec.probability = rounded(between(0.08, 0.2, scene.rng));
    let causes = scene.late(&spot, &[Cause::Compute, Cause::Queue]);
    Some(scene.injection(&spot, spec, &causes))
}

/// The cold start, and the start.
fn cold_start(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let factor = scene.felt_factor(spot.place.work_ms) * 2.0;
    let factor = rounded(factor.clamp(2.0, factor_max(&spot.place).min(1000.0)));
    let warm_up_ms = rounded(scene.phase_s * 1000.0 * between(1.0, 1.6, scene.rng));
    let params = json!({ "service_time_factor": factor, "warm_up_ms": warm_up_ms });
    let spec = scene.spec(&spot, params);
    let mut causes = scene.slower(&spot);
    causes.push(Cause::Queue);
    let causes = scene.late(&spot, &causes);
    let mut injection = scene.injection(&spot, spec, &causes);
    let start = ragdoll_fault_spec::FaultSpec::new(
        "crash",
        spot.target.clone(),
        json!({ "down_ms": 50.0 }),
    );
    injection.specs.insert(0, start);
    Some(injection)
}

fn bad_replica(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.instance(|_| true)?;
    let failing = rounded(between(0.2, 0.7, scene.rng));
    let params = json!({ "delay": scene.delay(), "failing_share": failing });
    let spec = scene.spec(&spot, params);
    let mut causes = scene.failing(&spot);
    causes.extend(scene.slower(&spot));
    Some(scene.injection(&spot, spec, &causes))
}
