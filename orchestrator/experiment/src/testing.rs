//! Phases and requests for the tests of this crate.

use ragdoll_model::Arrivals;
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::experiment::Phase;
use crate::measurements::RequestOutcome;

pub(crate) fn phase(name: &str, start_s: f64, duration_s: f64) -> Phase {
    Phase {
        name: name.to_owned(),
        start_s,
        duration_s,
        settle_s: 0.0,
        arrivals: Arrivals {
            poisson_per_s: Some(20.0),
            ..Arrivals::default()
        },
        recording: None,
        baseline: false,
        faults: Vec::new(),
    }
}

pub(crate) fn request(intended_us: u64, latency_us: u64) -> RequestOutcome {
    RequestOutcome {
        intended_us,
        latency_us,
        error: None,
        recall: Some(1.0),
        precision: Some(0.8),
    }
}

/// A Poisson process of requests that take 50 ms and an exponential time of mean 50 ms.
pub(crate) fn poisson_load(seed: u64, rate_per_s: f64, length_s: f64) -> Vec<RequestOutcome> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut exponential = move |mean: f64| -mean * (1.0 - rng.random::<f64>()).ln();
    let mut requests = Vec::new();
    let mut at_s = exponential(1.0 / rate_per_s);
    while at_s < length_s {
        let latency_us = 50_000.0 + exponential(50_000.0);
        requests.push(request((at_s * 1e6) as u64, latency_us as u64));
        at_s += exponential(1.0 / rate_per_s);
    }
    requests
}
