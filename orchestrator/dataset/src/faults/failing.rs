//! Faults that make calls fail, of the network, of answers, and of processes.

use ragdoll_fault_spec::Match;
use ragdoll_model::Service;
use ragdoll_runtime::random::chance;
use ragdoll_score::Cause;
use serde_json::{Value, json};

use super::injection::Injection;
use super::scene::{Scene, Spot};
use crate::draw::{between, pick, rounded, whole};
use crate::systems::Place;

/// A fault of the scene's kind, where this is one of its kinds and the system can have it.
pub(super) fn draw(scene: &mut Scene<'_>) -> Option<Injection> {
    match scene.info.name {
        "error_rate" | "connection_reset" | "connection_refused" | "dns_failure"
        | "malformed_response" | "truncated_body" | "stream_cut" => some_fail(scene),
        "fail_first" => fail_first(scene),
        "rate_limit" => rate_limit(scene),
        "poison_input" => poison_input(scene),
        "context_overflow" => context_overflow(scene),
        "crash" | "hang" | "partition" => down(scene),
        "crash_loop" => crash_loop(scene),
        "descriptor_leak" => descriptor_leak(scene),
        "failed_readiness" => failed_readiness(scene),
        _ => None,
    }
}

/// A share of the calls fails.
fn some_fail(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.anywhere(|_| true)?;
    let params = failure(scene);
    let mut spec = scene.spec(&spot, params);
    spec.probability = scene.some();
    let causes = scene.failing(&spot);
    Some(scene.injection(&spot, spec, &causes))
}

fn failure(scene: &mut Scene<'_>) -> Value {
    let after = json!({ "lognormal": { "median_ms": 20.0, "sigma": 0.5 } });
    match scene.info.name {
        "error_rate" => {
            let codes = ["INTERNAL", "UNAVAILABLE", "RESOURCE_EXHAUSTED"];
            json!({ "code": pick(&codes, scene.rng), "after": after })
        }
        "connection_reset" => json!({ "after": after }),
        "dns_failure" => {
            let timeout_ms = between(200.0, 2000.0, scene.rng);
            json!({ "timeout_ms": rounded(timeout_ms) })
        }
        "truncated_body" => json!({ "keep": rounded(between(0.1, 0.9, scene.rng)) }),
        "stream_cut" => json!({ "after": 0 }),
        _ => json!({}),
    }
}

fn fail_first(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.anywhere(|_| true)?;
    let calls = spot.place.rate_per_s * scene.phase_s;
    let share = between(0.3, 0.9, scene.rng);
    let requests = ((calls * share) as u32).max(10);
    let mut spec = scene.spec(&spot, json!({ "requests": requests }));
    spec.probability = rounded(between(0.3, 1.0, scene.rng));
    let causes = scene.failing(&spot);
    Some(scene.injection(&spot, spec, &causes))
}

fn rate_limit(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|place| place.rate_per_s >= 2.0)?;
    let quota = spot.place.rate_per_s * between(0.4, 0.75, scene.rng);
    let spec = scene.spec(&spot, json!({ "per_s": (quota as u32).max(1) }));
    let causes = scene.failing_with(&spot, &[Cause::RateLimit]);
    Some(scene.injection(&spot, spec, &causes))
}

/// What is asked about one of the more popular topics is too much.
fn poison_input(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let params = if chance(0.7, scene.rng) {
        json!({ "effect": "fail" })
    } else {
        let down_ms = rounded(between(300.0, 1000.0, scene.rng));
        json!({ "effect": "kill", "down_ms": down_ms })
    };
    let mut spec = scene.spec(&spot, params);
    spec.only = Some(Match {
        topic: Some(whole(0, 2, scene.rng)),
        ..Match::default()
    });
    let causes = scene.failing(&spot);
    Some(scene.injection(&spot, spec, &causes))
}

fn context_overflow(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let tokens = whole(900, 1400, scene.rng);
    let spec = scene.spec(&spot, json!({ "context_tokens": tokens }));
    let causes = scene.failing(&spot);
    Some(scene.injection(&spot, spec, &causes))
}

/// A process or a network that is gone for some seconds, again and again.
fn down(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let params = match scene.info.name {
        "partition" => json!({ "direction": pick(&["both", "to", "from"], scene.rng) }),
        _ => json!({}),
    };
    let mut spec = scene.spec(&spot, params);
    scene.pulsed(&mut spec);
    let causes = match scene.info.name {
        "crash" => scene.failing(&spot),
        _ => silent(scene, &spot),
    };
    Some(scene.injection(&spot, spec, &causes))
}

/// Causes of a place that does not answer: what it looks like depends on how long callers wait.
fn silent(scene: &Scene<'_>, spot: &Spot) -> Vec<Cause> {
    let mut late = scene.farther(spot);
    late.push(Cause::Compute);
    let failing = [Cause::Errors, Cause::Retries];
    if scene.impatience(spot).gives_up {
        return failing.into_iter().chain(late).collect();
    }
    late.into_iter().chain(failing).collect()
}

fn crash_loop(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|_| true)?;
    let params = json!({
        "up_ms": rounded(between(2000.0, 3500.0, scene.rng)),
        "down_ms": rounded(between(1500.0, 3000.0, scene.rng)),
    });
    let spec = scene.spec(&spot, params);
    let causes = scene.failing(&spot);
    Some(scene.injection(&spot, spec, &causes))
}

/// Descriptors are gone in the first half of the phase.
fn descriptor_leak(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.somewhere(|place| place.rate_per_s >= 1.0)?;
    let limit = whole(64, 128, scene.rng);
    let requests = spot.place.rate_per_s * scene.phase_s * between(0.2, 0.5, scene.rng);
    let leaked = f64::from(limit - 32) / requests.max(1.0);
    let params = json!({
        "descriptors_leaked": rounded(leaked.clamp(0.1, 100.0)),
        "descriptor_limit": limit,
    });
    let spec = scene.spec(&spot, params);
    let causes = scene.failing(&spot);
    Some(scene.injection(&spot, spec, &causes))
}

/// Nobody is ready, or one less than there must be.
fn failed_readiness(scene: &mut Scene<'_>) -> Option<Injection> {
    if scene.system.topology.network.health_check_ms == 0.0 {
        return None;
    }
    let is_called = |place: &Place| place.service != Service::GATEWAY;
    let all = scene.service(is_called)?;
    let place = &all.place;
    let left = f64::from(place.copies.saturating_sub(1)) * f64::from(place.servers);
    let overloaded = place.busy() * f64::from(place.copies) > left * 0.95;
    if place.copies > 1 && overloaded && place.service != Service::SHARD {
        let instances = scene.system.topology.instances_of(place.service);
        let name = pick(&instances, scene.rng).name().to_owned();
        let spot = Spot {
            target: ragdoll_fault_spec::Target::instance(name),
            ..all
        };
        let spec = scene.spec(&spot, json!({}));
        let causes = scene.late(&spot, &[Cause::Queue]);
        return Some(scene.injection(&spot, spec, &causes));
    }
    let spec = scene.spec(&all, json!({}));
    let causes = scene.failing(&all);
    Some(scene.injection(&all, spec, &causes))
}
