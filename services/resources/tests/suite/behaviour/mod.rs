//! What each resource does to a request, and the telemetry that it leaves.

mod batcher;
mod call_plan;
mod cpu;
mod engine;
mod memory;
mod mitigations;
mod scarcity;
mod waiting;

use ragdoll_model::Service;
use ragdoll_resources::testing::Bench;
use ragdoll_runtime::{Clock, run_virtual};

/// Runs a scenario in virtual time on an instance of its own.
fn scenario<F: Future<Output = ()>>(run: impl FnOnce(Clock, Bench) -> F) {
    run_virtual(|clock| {
        let bench = Bench::new(&clock, Service::RERANKER, 1);
        run(clock, bench)
    });
}

/// Durations in milliseconds of the spans of this name.
fn durations_ms(spans: &[(String, u64)], name: &str) -> Vec<f64> {
    let of_name = spans.iter().filter(|span| span.0 == name);
    of_name.map(|span| span.1 as f64 / 1000.0).collect()
}
