//! How services are called.

use ragdoll_model::topology::CallPlan;
use ragdoll_runtime::Rng;
use ragdoll_runtime::random::chance;

use crate::draw::{between, rounded, whole};

/// How a service is called, by somebody who may have read of mitigations. `call_ms` is what a call
/// takes.
pub(super) fn call_plan(call_ms: f64, rng: &mut Rng) -> CallPlan {
    let mut plan = CallPlan::default();
    if chance(0.25, rng) {
        plan.timeout_ms = rounded(call_ms * between(4.0, 8.0, rng) + 200.0);
    }
    if chance(0.2, rng) {
        plan.attempts = whole(2, 3, rng);
        plan.backoff_ms = rounded(between(10.0, 50.0, rng));
        if chance(0.3, rng) {
            plan.retry_budget = 0.2;
            plan.retry_budget_min_per_s = 1.0;
        }
    }
    if chance(0.08, rng) {
        plan.circuit_breaker.failure_rate = 0.6;
        plan.circuit_breaker.window = 20;
        plan.circuit_breaker.minimum_calls = 10;
        plan.circuit_breaker.open_ms = 1000.0;
        plan.circuit_breaker.probes = 3;
    }
    plan
}
