//! What is never quite well in a system, before and with the faults alike.

use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog as _, FaultSpec, Target};
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::chance;
use serde_json::json;

use crate::draw::{between, log_between, pick, rounded};
use crate::systems::System;

/// Conditions of the whole run: rare errors, rare slow requests, an unsteady network.
pub(crate) fn draw(system: &System, rng: &mut Rng) -> Vec<FaultSpec> {
    let mut noise = Vec::new();
    if chance(0.3, rng) {
        let mut spec = on_some_service(system, "error_rate", json!({ "code": "INTERNAL" }), rng);
        spec.probability = rounded(log_between(0.002, 0.01, rng));
        noise.push(spec);
    }
    if chance(0.3, rng) {
        let least_ms = rounded(system.request_ms * between(0.2, 0.6, rng));
        let delay = json!({ "pareto": { "min_ms": least_ms, "alpha": 2.5 } });
        let mut spec = on_some_service(system, "latency", json!({ "delay": delay }), rng);
        spec.probability = rounded(log_between(0.005, 0.03, rng));
        noise.push(spec);
    }
    if chance(0.3, rng) {
        let up_to_ms = rounded(system.request_ms * between(0.02, 0.08, rng));
        noise.push(on_some_service(
            system,
            "jitter",
            json!({ "up_to_ms": up_to_ms }),
            rng,
        ));
    }
    noise
}

fn on_some_service(
    system: &System,
    kind: &'static str,
    params: serde_json::Value,
    rng: &mut Rng,
) -> FaultSpec {
    let place = pick(system.places(), rng);
    let params = Faults
        .resolve(kind, &params)
        .unwrap_or_else(|error| panic!("a drawn noise `{kind}` is not valid: {error}"));
    FaultSpec::new(kind, Target::service(place.service), params)
}
