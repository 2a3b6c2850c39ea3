//! Faults of load and of how callers call, where the one to name is whom it meets.

use ragdoll_fault_spec::{FaultSpec, KindInfo, Target};
use ragdoll_model::Service;
use ragdoll_score::Cause;
use serde_json::json;

use super::injection::Injection;
use super::scene::{Scene, Spot};
use crate::draw::{between, rounded};
use crate::systems::{Place, System};

/// Share of the time for which a place's servers are taken from which on it waits for itself.
const FULL: f64 = 0.95;

/// A fault of the scene's kind, where this is one of its kinds and the system can have it.
pub(super) fn draw(scene: &mut Scene<'_>) -> Option<Injection> {
    if !is_about_services(scene.info) {
        return match scene.info.name {
            "load_spike" => load_spike(scene),
            _ => token_length_shift(scene),
        };
    }
    match scene.info.name {
        "load_balancer_skew" => load_balancer_skew(scene),
        "retry_storm" => retry_storm(scene),
        "duplicate_request" => duplicate_request(scene),
        "cache_failure" | "cache_stampede" => without_cache(scene),
        _ => None,
    }
}

/// How much of the time all servers of a place are taken, and its lock.
fn taken(place: &Place) -> f64 {
    let lock = place.lock_ms.unwrap_or(0.0) * place.rate_per_s / 1000.0;
    lock.max(place.busy() / f64::from(place.servers))
}

/// The place that is the first to have too much to do, where it is the only one for now.
fn first_to_fill(system: &System, factor: f64) -> Option<&Place> {
    let load = |place: &&Place| taken(place) * factor;
    let mut full = system.places().iter().filter(|place| load(place) >= FULL);
    let only = full.next()?;
    full.next().is_none().then_some(only)
}

fn queue_or_lock(place: &Place) -> Vec<Cause> {
    let by_lock = place.lock_ms.unwrap_or(0.0) * place.rate_per_s / 1000.0;
    if by_lock > place.busy() / f64::from(place.servers) {
        vec![Cause::Lock]
    } else {
        vec![Cause::Queue]
    }
}

fn at(place: &Place, target: Target, instance: Option<String>) -> Spot {
    Spot {
        target,
        place: place.clone(),
        instance,
        on_edge: false,
    }
}

fn load_spike(scene: &mut Scene<'_>) -> Option<Injection> {
    let factor = rounded(between(1.7, 2.6, scene.rng));
    let place = first_to_fill(scene.system, factor)?.clone();
    let spot = at(&place, Target::service(Service::CLIENT), None);
    let spec = scene.spec(&spot, json!({ "rate_factor": factor, "ramp_s": 1.0 }));
    let causes = scene.late(&spot, &queue_or_lock(&place));
    Some(scene.injection(&spot, spec, &causes))
}

fn token_length_shift(scene: &mut Scene<'_>) -> Option<Injection> {
    let place = scene.system.place(Service::LLM)?.clone();
    let spot = at(&place, Target::service(Service::CLIENT), None);
    let wanted = 1.0 + 0.8 * scene.system.request_ms / place.work_ms;
    let factor = rounded((wanted * between(0.8, 1.5, scene.rng)).max(1.5));
    let spec = scene.spec(&spot, json!({ "output_tokens_factor": factor }));
    let causes = scene.late(&spot, &[Cause::Compute, Cause::Queue, Cause::KvCache]);
    Some(scene.injection(&spot, spec, &causes))
}

/// One of several instances gets what it has no time for.
fn load_balancer_skew(scene: &mut Scene<'_>) -> Option<Injection> {
    let caller = scene.service(|_| true)?;
    let skew = rounded(between(0.7, 0.95, scene.rng));
    let called = scene.system.edges().into_iter();
    let called = called.filter(|(from, _)| *from == caller.place.service);
    let mut full = called.filter_map(|(_, to)| {
        let place = scene.system.place(to)?;
        let load = skew * f64::from(place.copies) * taken(place);
        (place.copies > 1 && load >= FULL).then_some(place)
    });
    let (only, another) = (full.next()?, full.next());
    if another.is_some() {
        return None;
    }
    let instances = scene.system.topology.instances_of(only.service);
    let first = instances.first()?.name().to_owned();
    let spec = scene.spec(&caller, json!({ "skew": skew }));
    let spot = at(only, caller.target.clone(), Some(first));
    let mut causes = queue_or_lock(only);
    causes.push(Cause::ConnectionPool);
    let causes = scene.late(&spot, &causes);
    Some(scene.injection(&spot, spec, &causes))
}

/// A caller that waits for less than its slowest callee takes, and calls again at once.
fn retry_storm(scene: &mut Scene<'_>) -> Option<Injection> {
    let caller = scene.service(|_| true)?;
    let called = scene.system.edges().into_iter();
    let called = called.filter(|(from, _)| *from == caller.place.service);
    let mut called: Vec<&Place> = called
        .filter_map(|(_, to)| scene.system.place(to))
        .collect();
    called.sort_by(|a, b| b.call_ms.total_cmp(&a.call_ms));
    let slowest = *called.first()?;
    let next_ms = called.get(1).map_or(0.0, |place| place.call_ms);
    if slowest.call_ms < 30.0 || slowest.call_ms < 3.0 * next_ms {
        return None;
    }
    let timeout_ms = rounded(slowest.call_ms * between(0.75, 1.1, scene.rng));
    let params = json!({ "attempts": 6, "timeout_ms": timeout_ms });
    let spec = scene.spec(&caller, params);
    let spot = at(slowest, caller.target.clone(), None);
    Some(scene.injection(&spot, spec, &[Cause::Retries, Cause::Errors, Cause::Queue]))
}

fn duplicate_request(scene: &mut Scene<'_>) -> Option<Injection> {
    let spot = scene.service(|place| 2.0 * taken(place) >= FULL)?;
    let spec = scene.spec(&spot, json!({}));
    let mut causes = queue_or_lock(&spot.place);
    causes.push(Cause::Compute);
    let causes = scene.late(&spot, &causes);
    Some(scene.injection(&spot, spec, &causes))
}

/// The store behind a cache meets what it cannot carry.
fn without_cache(scene: &mut Scene<'_>) -> Option<Injection> {
    if scene.system.topology.gateway.metadata_cache.entries == 0 {
        return None;
    }
    let gateway = scene.service(|_| true)?;
    let store = scene.system.place(Service::METADATA)?;
    let mut spec = scene.spec(&gateway, json!({}));
    if spec.kind == "cache_stampede" {
        // Once is over soon: it happens again and again.
        (spec.for_s, spec.every_s) = (Some(1.0), Some(4.0));
    }
    let spot = at(store, gateway.target.clone(), None);
    let causes = scene.late(&spot, &[Cause::Lock]);
    Some(scene.injection(&spot, spec, &causes))
}

/// More load than before that everybody has room for.
pub(super) fn harmless_spike(scene: &mut Scene<'_>) -> Option<FaultSpec> {
    let factor = rounded(between(1.02, 1.12, scene.rng));
    let fullest = scene.system.places().iter().map(taken);
    let fits = fullest.fold(0.0, f64::max) * factor < 0.6;
    let target = Target::service(Service::CLIENT);
    fits.then(|| FaultSpec::new("load_spike", target, json!({ "rate_factor": factor })))
}

/// Whether requests meet faults of this kind on a service of theirs.
fn is_about_services(info: &KindInfo) -> bool {
    !info.services.contains(&Service::CLIENT)
}
