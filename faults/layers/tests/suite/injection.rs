//! What becomes of decisions: which requests meet which fault, when, and what is noted of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use ragdoll_fault_layers::{FaultLayer, Injector, Planned, Power};
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{Dist, InstanceId, Service};
use ragdoll_runtime::{
    Body, BoxService, Clock, Controls, Overrides, Request, Response, Streams, run_virtual,
};
use ragdoll_telemetry::RequestContext;
use serde_json::{Value, json};
use tower::{Layer as _, Service as _};

const SECOND: u64 = 1_000_000;

fn shard() -> InstanceId {
    InstanceId::shard(2, 0)
}

fn planned(kind: &str, target: Target, params: Value) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us: 0,
        stop_us: u64::MAX,
    }
}

/// A fault that delays what comes to [`shard`] by `ms`.
fn delay(ms: f64) -> Planned {
    let params = json!({ "delay": { "fixed": { "ms": ms } } });
    planned("latency", Target::service(Service::SHARD), params)
}

fn with_probability(mut planned: Planned, probability: f64) -> Planned {
    planned.spec.probability = probability;
    planned
}

fn injector(faults: Vec<Planned>) -> Injector {
    Injector::new(faults, &Streams::new(1)).expect("sound parameters")
}

/// A service behind a layer, which notes with what parameters requests reach it.
#[derive(Clone)]
struct Bench {
    clock: Clock,
    service: BoxService,
    reached: Arc<Mutex<Vec<Option<Arc<Overrides>>>>>,
}

impl Bench {
    fn new(clock: &Clock, layer: &FaultLayer) -> Self {
        let reached: Arc<Mutex<Vec<_>>> = Arc::default();
        let noted = reached.clone();
        let inner = tower::service_fn(move |request: Request| {
            let context = request.extensions().get::<RequestContext>().cloned();
            let overrides = context.and_then(|context| context.overrides);
            noted.lock().expect("no panic").push(overrides);
            std::future::ready(Ok::<_, Infallible>(Response::default()))
        });
        Bench {
            clock: clock.clone(),
            service: layer.layer(BoxService::new(inner)),
            reached,
        }
    }

    /// Sends request number `number`, and says how long it took.
    async fn send(&self, number: u64) -> u64 {
        let mut request = Request::new(Body::default());
        *request.uri_mut() = "/ragdoll.v1.Shard/Query".parse().expect("a path");
        let context = RequestContext::new(number.to_string(), "user-1");
        request.extensions_mut().insert(context);
        let sent_us = self.clock.now_us();
        let Ok(_) = self.service.clone().call(request).await;
        self.clock.now_us() - sent_us
    }

    async fn send_all(&self, numbers: impl IntoIterator<Item = u64>) -> Vec<u64> {
        let mut times = Vec::new();
        for number in numbers {
            times.push(self.send(number).await);
        }
        times
    }

    fn reached(&self) -> Vec<Option<Arc<Overrides>>> {
        self.reached.lock().expect("no panic").clone()
    }
}

/// Times of `count` requests through the faults, one after the other.
fn times(faults: Vec<Planned>, count: u64) -> (Vec<u64>, Injector) {
    let injector = injector(faults);
    let times = run_virtual(|clock| {
        let bench = Bench::new(
            &clock,
            &injector.server_layer(&clock, &shard(), Arc::new(|| 0)),
        );
        async move { bench.send_all(0..count).await }
    });
    (times, injector)
}

#[test]
fn half_a_chance_meets_half_of_the_requests_and_the_same_ones_every_time() {
    let coin = || vec![with_probability(delay(10.0), 0.5)];
    let (first, injector) = times(coin(), 2_000);
    let met = first.iter().filter(|time| **time == 10_000).count();
    // Five standard deviations of a fair coin are 112.
    assert!((888..=1112).contains(&met), "{met} of 2000");
    assert!(first.iter().all(|time| [0, 10_000].contains(time)));
    assert_eq!(times(coin(), 2_000).0, first);

    let report = &injector.witnesses()[0];
    assert_eq!((report.opportunities, report.firings), (2_000, met as u64));
    assert_eq!(report.requests_touched, met as u64);
    assert_eq!(report.injected_us, 10_000 * met as u64);
    let named: Vec<u64> = report
        .touched
        .iter()
        .map(|touched| touched.request_id.parse().expect("a number"))
        .collect();
    let expected = (0..2_000).filter(|number| first[*number as usize] > 0);
    assert_eq!(named, expected.take(named.len()).collect::<Vec<_>>());
    assert_eq!(named.len(), met.min(1000));
}

#[test]
fn who_is_met_depends_on_the_request_and_not_on_its_turn() {
    let injector = injector(vec![with_probability(delay(10.0), 0.5)]);
    let (forwards, mut backwards) = run_virtual(|clock| {
        let bench = Bench::new(
            &clock,
            &injector.server_layer(&clock, &shard(), Arc::new(|| 0)),
        );
        async move {
            (
                bench.send_all(0..200).await,
                bench.send_all((0..200).rev()).await,
            )
        }
    });
    backwards.reverse();
    assert_eq!(forwards, backwards);
}

#[test]
fn two_faults_of_the_same_chance_meet_different_requests() {
    let coins = vec![
        with_probability(delay(1.0), 0.5),
        with_probability(delay(2.0), 0.5),
    ];
    let (times, _) = times(coins, 400);
    for outcome_us in [0, 1_000, 2_000, 3_000] {
        let count = times.iter().filter(|time| **time == outcome_us).count();
        assert!(
            (60..=140).contains(&count),
            "{count} of 400 took {outcome_us} us"
        );
    }
}

#[test]
fn delays_of_overlapping_faults_add_up() {
    let third = Planned {
        start_us: 5 * SECOND,
        ..delay(4.0)
    };
    let injector = injector(vec![delay(1.0), delay(2.0), third]);
    let times = run_virtual(|clock| {
        let bench = Bench::new(
            &clock,
            &injector.server_layer(&clock, &shard(), Arc::new(|| 0)),
        );
        async move {
            let before = bench.send(0).await;
            bench.clock.sleep_until_us(5 * SECOND).await;
            (before, bench.send(1).await)
        }
    });
    assert_eq!(times, (3_000, 7_000));
    let injected: Vec<u64> = injector
        .witnesses()
        .iter()
        .map(|one| one.injected_us)
        .collect();
    assert_eq!(injected, [2_000, 4_000, 4_000]);
}

#[test]
fn of_two_changes_to_one_parameter_the_later_fault_wins() {
    let hold = |ms: f64| {
        let params = json!({ "hold": { "fixed": { "ms": ms } } });
        planned(
            "lock_contention",
            Target::service(Service::METADATA),
            params,
        )
    };
    let injector = injector(vec![hold(10.0), hold(20.0)]);
    let reached = run_virtual(|clock| {
        let metadata = InstanceId::new(Service::METADATA, 0);
        let bench = Bench::new(
            &clock,
            &injector.server_layer(&clock, &metadata, Arc::new(|| 0)),
        );
        async move {
            bench.send(0).await;
            bench.reached()
        }
    });
    let overrides = reached[0].as_ref().expect("changed parameters");
    assert_eq!(overrides.lock_hold, Some(Dist::fixed(20.0)));
    assert!(
        injector
            .witnesses()
            .iter()
            .all(|report| report.firings == 1)
    );
}

#[test]
fn a_fault_is_in_force_from_its_first_microsecond_to_before_its_last() {
    let windowed = Planned {
        start_us: 100,
        stop_us: 200,
        ..delay(1.0)
    };
    let injector = injector(vec![windowed]);
    let times = run_virtual(|clock| {
        let bench = Bench::new(
            &clock,
            &injector.server_layer(&clock, &shard(), Arc::new(|| 0)),
        );
        async move {
            let mut sent = Vec::new();
            for at_us in [0, 99, 100, 199, 200, 5_000] {
                let bench = bench.clone();
                sent.push(tokio::spawn(async move {
                    bench.clock.sleep_until_us(at_us).await;
                    (at_us, bench.send(at_us).await)
                }));
            }
            let mut times = Vec::new();
            for sent in sent {
                times.push(sent.await.expect("no panic"));
            }
            times
        }
    });
    let expected = [
        (0, 0),
        (99, 0),
        (100, 1_000),
        (199, 1_000),
        (200, 0),
        (5_000, 0),
    ];
    assert_eq!(times, expected);
    let report = &injector.witnesses()[0];
    assert_eq!((report.opportunities, report.firings), (2, 2));
}

#[test]
fn a_fault_that_cannot_fire_leaves_requests_as_they_are() {
    let (times, injector) = times(vec![with_probability(delay(10.0), 0.0)], 100);
    assert!(times.iter().all(|time| *time == 0));
    let report = &injector.witnesses()[0];
    assert_eq!(
        (report.opportunities, report.firings, report.injected_us),
        (100, 0, 0)
    );
    assert!(report.touched.is_empty());
}

#[test]
fn a_fault_meets_its_target_and_nobody_else() {
    let params = json!({ "delay": { "fixed": { "ms": 1.0 } } });
    let targets = [
        Target::service(Service::SHARD),
        Target::instance("shard-2-0"),
        Target::edge(Service::VECTOR_DB, Service::SHARD),
    ];
    let met = |target: &Target| {
        let injector = injector(vec![planned("latency", target.clone(), params.clone())]);
        run_virtual(|clock| {
            let layers = [
                injector.server_layer(&clock, &shard(), Arc::new(|| 0)),
                injector.server_layer(&clock, &InstanceId::shard(2, 1), Arc::new(|| 0)),
                injector.server_layer(&clock, &InstanceId::new(Service::LLM, 0), Arc::new(|| 0)),
                injector.edge_layer(
                    &clock,
                    &InstanceId::new(Service::VECTOR_DB, 0),
                    &shard(),
                    Arc::new(|| 0),
                ),
                injector.edge_layer(
                    &clock,
                    &InstanceId::new(Service::INGEST_WORKER, 0),
                    &shard(),
                    Arc::new(|| 0),
                ),
            ];
            async move {
                let mut met = Vec::new();
                for layer in layers {
                    met.push(Bench::new(&clock, &layer).send(0).await > 0);
                }
                met
            }
        })
    };
    let expected = [
        [true, true, false, false, false],
        [true, false, false, false, false],
        [false, false, false, true, false],
    ];
    for (target, expected) in targets.iter().zip(expected) {
        assert_eq!(met(target), expected, "{target}");
    }
}

#[test]
fn a_request_that_a_fault_meets_twice_is_touched_once() {
    let injector = injector(vec![delay(1.0)]);
    run_virtual(|clock| {
        let bench = Bench::new(
            &clock,
            &injector.server_layer(&clock, &shard(), Arc::new(|| 0)),
        );
        async move { bench.send_all([7, 7, 8]).await }
    });
    let report = &injector.witnesses()[0];
    assert_eq!((report.firings, report.requests_touched), (3, 2));
    let named: Vec<&str> = report.touched.iter().map(|one| &*one.request_id).collect();
    assert_eq!(named, ["7", "8"]);
}

/// A process that nothing is to be done to.
struct Powerless;

impl Power for Powerless {
    fn crash(&self, _: u64) {
        panic!("no fault here kills");
    }

    fn freeze(&self) {
        panic!("no fault here stops anything");
    }

    fn thaw(&self) {}

    fn paused(&self, _: u64) {}
}

/// A queue with fewer servers is a change to the instance: put in force and taken back on time.
#[test]
fn a_standing_change_is_in_force_for_its_time_on_its_target() {
    let fewer = |servers: u32, start_us: u64, stop_us: u64| Planned {
        start_us,
        stop_us,
        ..planned(
            "queueing",
            Target::service(Service::LLM),
            json!({ "servers": servers }),
        )
    };
    let impossible = with_probability(fewer(1, 0, 100), 0.0);
    let injector = injector(vec![fewer(8, 10, 40), fewer(4, 20, 30), impossible]);
    let seen = run_virtual(|clock| {
        let (llm, other) = (Controls::default(), Controls::default());
        let schedule = |service: Service, controls: &Controls| {
            let instance = InstanceId::new(service, 0);
            injector.schedule(&clock, &instance, controls, &Arc::new(Powerless));
        };
        schedule(Service::LLM, &llm);
        schedule(Service::EMBEDDER, &other);
        async move {
            let mut seen = Vec::new();
            for at_us in [5, 15, 25, 35, 45] {
                clock.sleep_until_us(at_us).await;
                seen.push(llm.current().servers);
                assert_eq!(*other.current(), Overrides::default());
            }
            seen
        }
    });
    assert_eq!(seen, [None, Some(8), Some(4), Some(8), None]);
}

#[test]
fn parameters_that_do_not_fit_are_refused_by_name() {
    let broken = planned(
        "latency",
        Target::service(Service::LLM),
        json!({ "delay": 5 }),
    );
    let refused = Injector::new(vec![broken], &Streams::new(1));
    let message = refused.err().expect("a refusal").to_string();
    assert!(message.contains("does not fit"), "{message}");
}
