//! Poisson traffic through a resource, and what became of it.

use std::future::Future;
use std::sync::{Arc, Mutex};

use ragdoll_resources::testing::Bench;
use ragdoll_runtime::random::exponential;
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::RequestContext;

/// Requests between two clearings of the collector, few enough for its channel.
const REQUESTS_A_CLEARING: u64 = 1000;

/// Longer than any backlog at the end of a run.
const DRAIN_US: u64 = 3_600_000_000;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    served: u64,
    lost: u64,
    waited_us: u64,
}

/// What became of the requests so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

impl Tally {
    pub(crate) fn serve(&self, waited_us: u64) {
        let mut counts = self.0.lock().expect("not poisoned");
        counts.served += 1;
        counts.waited_us += waited_us;
    }

    pub(crate) fn lose(&self) {
        self.0.lock().expect("not poisoned").lost += 1;
    }

    pub(crate) fn served(&self) -> u64 {
        self.counts().served
    }

    pub(crate) fn mean_wait_ms(&self) -> f64 {
        let counts = self.counts();
        counts.waited_us as f64 / 1000.0 / counts.served as f64
    }

    pub(crate) fn loss(&self) -> f64 {
        let counts = self.counts();
        counts.lost as f64 / (counts.lost + counts.served) as f64
    }

    fn counts(&self) -> Counts {
        *self.0.lock().expect("not poisoned")
    }
}

/// Sends `requests` requests with exponential gaps and waits until all are done. Returns
/// the gauge of this name as it was when the last one came: its mean over all the time before.
pub(crate) async fn offer<F>(
    clock: &Clock,
    bench: &Bench,
    requests: u64,
    arrival_rate_per_ms: f64,
    gauge: &str,
    request: impl Fn(RequestContext) -> F,
) -> f64
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut rng = Streams::new(11).stream("arrivals").rng();
    let mut at_us = 0.0;
    for number in 0..requests {
        at_us += exponential(1000.0 / arrival_rate_per_ms, &mut rng);
        clock.sleep_until_us(at_us as u64).await;
        tokio::spawn(request(Bench::request(number)));
        if number % REQUESTS_A_CLEARING == 0 {
            bench.discard();
        }
    }
    bench.discard();
    let mean = bench.gauges()[gauge];
    clock.sleep_us(DRAIN_US).await;
    bench.discard();
    mean
}

/// Panics where `found` is not within `tolerance` of `expected`.
pub(crate) fn assert_near(what: &str, found: f64, expected: f64, tolerance: f64) {
    let error = found / expected - 1.0;
    assert!(
        error.abs() < tolerance,
        "{what}: found {found}, expected {expected}: {:+.2} %",
        error * 100.0
    );
}
