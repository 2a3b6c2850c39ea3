//! What faults cost the requests that they leave alone: wall time of a request through the layer,
//! where no fault is in force or none comes up. The aim is less than 200 ns for each request.

#![allow(
    clippy::print_stdout,
    reason = "a bench says on standard output what it found"
)]

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ragdoll_fault_layers::{FaultLayer, Injector, Planned};
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{InstanceId, Service};

use ragdoll_runtime::{
    Body, BoxService, Clock, Request, Response, Stopwatch, Streams, run_virtual,
};
use ragdoll_telemetry::RequestContext;
use serde_json::json;
use tower::{Layer as _, Service as _};

/// Requests that are made ready before they are timed together: few enough to stay in the cache.
const BATCH: u64 = 64;

/// Fewer requests than these are a warm-up, whose time is mostly the clock's own.
const LEAST_TIMED: u64 = 10_000;

/// Where requests meet the faults.
#[derive(Clone, Copy)]
enum At {
    /// In front of the service; an extension says who asks.
    Server,
    /// Around the wire; headers say who asks.
    Edge,
}

/// Faults of a process, by what they have to do with its requests.
#[derive(Clone, Copy)]
enum Faults {
    None,
    OutsideSchedule,
    Improbable,
    EightNotInForce,
}

impl Faults {
    fn planned(self, at: At) -> Vec<Planned> {
        let later = |number: u64| Planned {
            start_us: 1_000_000 * (1 + number),
            stop_us: 1_000_000 * (2 + number),
            spec: latency(at),
        };
        match self {
            Faults::None => Vec::new(),
            Faults::OutsideSchedule => vec![later(0)],
            Faults::Improbable => vec![Planned {
                start_us: 0,
                stop_us: u64::MAX,
                spec: FaultSpec {
                    probability: 0.0,
                    ..latency(at)
                },
            }],
            Faults::EightNotInForce => (0..8).map(later).collect(),
        }
    }
}

fn latency(at: At) -> FaultSpec {
    let target = match at {
        At::Server => Target::service(Service::SHARD),
        At::Edge => Target::edge(Service::VECTOR_DB, Service::SHARD),
    };
    let params = json!({ "delay": { "fixed": { "ms": 1.0 } } });
    FaultSpec::new("latency", target, params)
}

fn layer(faults: Faults, at: At, clock: &Clock) -> FaultLayer {
    let injector = Injector::new(faults.planned(at), &Streams::new(1)).expect("sound parameters");
    let shard = InstanceId::shard(2, 0);
    match at {
        At::Server => injector.server_layer(clock, &shard, Arc::new(|| 0)),
        At::Edge => {
            let from = InstanceId::new(Service::VECTOR_DB, 0);
            injector.edge_layer(clock, &from, &shard, Arc::new(|| 0))
        }
    }
}

fn request(at: At, number: u64) -> Request {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = "/ragdoll.v1.Shard/Query".parse().expect("a path");
    let context = RequestContext::new(number.to_string(), "user-1").with_baggage("topic", 3);
    match at {
        At::Server => drop(request.extensions_mut().insert(context)),
        At::Edge => context.inject(request.headers_mut(), 0),
    }
    request
}

/// Seconds that `count` requests take one after the other, without what it takes to make them.
fn seconds(faults: Faults, at: At, count: u64) -> f64 {
    run_virtual(|clock| async move {
        let answer = |_| std::future::ready(Ok::<_, Infallible>(Response::default()));
        let answers = BoxService::new(tower::service_fn(answer));
        let mut service = layer(faults, at, &clock).layer(answers);
        let mut total_s = 0.0;
        for first in (0..count).step_by(BATCH as usize) {
            let numbers = first..count.min(first + BATCH);
            let requests: Vec<Request> = numbers.map(|number| request(at, number)).collect();
            let watch = Stopwatch::start();
            for request in requests {
                let _ = black_box(service.call(request).await);
            }
            total_s += watch.elapsed_s();
        }
        assert_eq!(clock.now_us(), 0, "a fault came up");
        total_s
    })
}

fn idle(criterion: &mut Criterion) {
    for (place, at) in [("server", At::Server), ("edge", At::Edge)] {
        let mut group = criterion.benchmark_group(format!("request at the {place}"));
        group.sample_size(20);
        group.warm_up_time(Duration::from_millis(500));
        group.measurement_time(Duration::from_secs(2));
        let cases = [
            ("without a layer", Faults::None),
            ("with a fault outside its schedule", Faults::OutsideSchedule),
            ("with a fault of probability 0", Faults::Improbable),
            ("with eight faults not in force", Faults::EightNotInForce),
        ];
        let mut best_ns = cases.map(|_| f64::INFINITY);
        for ((name, faults), best_ns) in cases.into_iter().zip(&mut best_ns) {
            group.bench_function(name, |bench| {
                bench.iter_custom(|count| {
                    let took_s = seconds(faults, at, count);
                    if count >= LEAST_TIMED {
                        *best_ns = best_ns.min(took_s * 1e9 / count as f64);
                    }
                    Duration::from_secs_f64(took_s)
                });
            });
        }
        group.finish();
        report(place, &cases.map(|(name, _)| name), &best_ns);
    }
}

/// What each case cost at best, beside the first. A case that was left out is not told of.
fn report(place: &str, names: &[&str], best_ns: &[f64]) {
    let without_ns = best_ns[0];
    for (name, ns) in names.iter().zip(best_ns).filter(|(_, ns)| ns.is_finite()) {
        let (ratio, added_ns) = (ns / without_ns, ns - without_ns);
        println!("{place}, {name}: {ns:.0} ns, {ratio:.2} times, {added_ns:+.0} ns added");
    }
}

criterion_group!(benches, idle);
criterion_main!(benches);
