//! Several faults at one place, whom they concern, and faults that come and go while requests run.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use ragdoll_fault_layers::{FaultLayer, Injector, Planned};
use ragdoll_fault_spec::{FaultSpec, HeaderMatch, Match, Per, Target};
use ragdoll_model::{Dist, InstanceId, Service};
use ragdoll_runtime::{Body, BoxService, Clock, Overrides, Request, Streams, run_virtual};
use ragdoll_telemetry::RequestContext;
use ragdoll_telemetry::names::{BAGGAGE_DOCUMENT_BYTES, BAGGAGE_TOPIC};
use serde_json::{Value, json};
use tower::{Layer as _, Service as _};

const SECOND: u64 = 1_000_000;
const PATH: &str = "/ragdoll.v1.Shard/Query";
const ANSWER: &[u8] = b"0123456789";

fn shard() -> InstanceId {
    InstanceId::shard(2, 0)
}

fn vector_db() -> InstanceId {
    InstanceId::new(Service::VectorDb, 0)
}

fn on_shards() -> Target {
    Target::service(Service::Shard)
}

fn on_edge() -> Target {
    Target::edge(Service::VectorDb, Service::Shard)
}

fn planned(kind: &str, target: Target, params: Value) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us: 0,
        stop_us: u64::MAX,
    }
}

fn delay_on(target: Target, ms: f64) -> Planned {
    planned(
        "latency",
        target,
        json!({ "delay": { "fixed": { "ms": ms } } }),
    )
}

fn delay(ms: f64) -> Planned {
    delay_on(on_shards(), ms)
}

/// A fault that answers in place of the service after `ms`.
fn refuse(http_status: u16, ms: f64) -> Planned {
    let params = json!({ "http_status": http_status, "after": { "fixed": { "ms": ms } } });
    planned("error_rate", on_shards(), params)
}

fn changed(mut planned: Planned, change: impl FnOnce(&mut FaultSpec)) -> Planned {
    change(&mut planned.spec);
    planned
}

fn injector(faults: Vec<Planned>) -> Injector {
    Injector::new(faults, &Streams::new(1)).expect("sound parameters")
}

/// What comes back, and when.
#[derive(Clone, Debug, PartialEq)]
struct Answered {
    status: u16,
    head_us: u64,
    took_us: u64,
    /// `None` where the connection broke.
    body: Option<Bytes>,
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
            let body = Full::new(Bytes::from_static(ANSWER)).map_err(|never| match never {});
            let answer = http::Response::new(Body::new(body));
            std::future::ready(Ok::<_, Infallible>(answer))
        });
        Bench {
            clock: clock.clone(),
            service: layer.layer(BoxService::new(inner)),
            reached,
        }
    }

    fn at_server(injector: &Injector, clock: &Clock) -> Self {
        let layer = injector.server_layer(clock, &shard(), Arc::new(|| 0));
        Bench::new(clock, &layer)
    }

    fn on_edge(injector: &Injector, clock: &Clock, from: &InstanceId, to: &InstanceId) -> Self {
        let layer = injector.edge_layer(clock, from, to, Arc::new(|| 0));
        Bench::new(clock, &layer)
    }

    async fn ask(&self, request: Request) -> Answered {
        let sent_us = self.clock.now_us();
        let Ok(answer) = self.service.clone().call(request).await;
        let head_us = self.clock.now_us() - sent_us;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.ok();
        Answered {
            status,
            head_us,
            took_us: self.clock.now_us() - sent_us,
            body: body.map(http_body_util::Collected::to_bytes),
        }
    }

    /// Sends request number `number`, and says how long it took.
    async fn send(&self, number: u64) -> u64 {
        self.ask(request(&context(number))).await.took_us
    }

    async fn send_at(&self, at_us: u64, number: u64) -> u64 {
        self.clock.sleep_until_us(at_us).await;
        self.send(number).await
    }

    fn reached(&self) -> Vec<Option<Arc<Overrides>>> {
        self.reached.lock().expect("no panic").clone()
    }
}

fn context(number: u64) -> RequestContext {
    RequestContext::new(number.to_string(), "user-1")
}

/// A request as a server has it: an extension says whose it is.
fn request(context: &RequestContext) -> Request {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = PATH.parse().expect("a path");
    request.extensions_mut().insert(context.clone());
    request
}

/// The same on the wire: its headers say whose it is.
fn on_wire(context: &RequestContext) -> Request {
    let mut request = request(context);
    request.extensions_mut().remove::<RequestContext>();
    context.inject(request.headers_mut(), 0);
    request
}

fn opportunities_and_firings(injector: &Injector) -> Vec<(u64, u64)> {
    let reports = injector.witnesses().into_iter();
    reports
        .map(|report| (report.opportunities, report.firings))
        .collect()
}

/// One request to a server with these faults: its answer, whether it came there, and what each fault
/// counted.
fn one_request(faults: Vec<Planned>) -> (Answered, bool, Vec<(u64, u64)>) {
    let injector = injector(faults);
    let (answered, reached) = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        async move {
            let answered = bench.ask(request(&context(0))).await;
            (answered, !bench.reached().is_empty())
        }
    });
    (answered, reached, opportunities_and_firings(&injector))
}

#[test]
fn a_refusal_comes_after_the_delays_before_it_and_ends_the_asking() {
    let (answered, reached, counts) =
        one_request(vec![delay(5.0), refuse(502, 2.0), refuse(500, 1.0)]);
    assert_eq!((answered.status, answered.took_us), (502, 7_000));
    assert!(!reached);
    assert_eq!(counts, [(1, 1), (1, 1), (0, 0)]);

    let (answered, reached, counts) = one_request(vec![refuse(502, 2.0), delay(5.0)]);
    assert_eq!((answered.status, answered.took_us), (502, 2_000));
    assert!(!reached);
    assert_eq!(counts, [(1, 1), (0, 0)]);
}

#[test]
fn a_refusal_that_does_not_come_up_does_not_end_the_asking() {
    let never = changed(refuse(502, 2.0), |spec| spec.probability = 0.0);
    let others = changed(refuse(502, 2.0), |spec| {
        spec.only = Some(Match {
            user: Some("user-2".to_owned()),
            ..Match::default()
        });
    });
    let (answered, reached, counts) = one_request(vec![never, others, delay(1.0), delay(4.0)]);
    assert_eq!((answered.status, answered.took_us), (200, 5_000));
    assert!(reached);
    assert_eq!(counts, [(1, 0), (0, 0), (1, 1), (1, 1)]);
}

#[test]
fn of_each_parameter_the_last_declared_wins_and_the_others_stay() {
    let hold = |ms: f64| {
        let params = json!({ "hold": { "fixed": { "ms": ms } } });
        planned("lock_contention", on_shards(), params)
    };
    let memory = planned(
        "oom",
        on_shards(),
        json!({ "bytes_per_input_byte": 7.0, "reclaim_ms": 3.0 }),
    );
    let met = |faults: Vec<Planned>| {
        let injector = injector(faults);
        run_virtual(|clock| {
            let bench = Bench::at_server(&injector, &clock);
            let earlier = Overrides {
                lock_hold: Some(Dist::fixed(1.0)),
                queue_bound: Some(9),
                ..Overrides::default()
            };
            let context = RequestContext {
                overrides: Some(Arc::new(earlier)),
                ..context(0)
            };
            async move {
                bench.ask(request(&context)).await;
                let met = bench.reached()[0].clone().expect("changed parameters");
                let memory = met.memory_bytes_per_input_byte;
                (met.lock_hold, memory, met.queue_bound)
            }
        })
    };
    let expected = |ms| (Some(Dist::fixed(ms)), Some(7.0), Some(9));
    assert_eq!(
        met(vec![hold(10.0), memory.clone(), hold(20.0)]),
        expected(20.0)
    );
    assert_eq!(met(vec![hold(20.0), memory, hold(10.0)]), expected(10.0));
}

#[test]
fn an_answer_is_spoilt_by_one_fault_after_the_other() {
    let half = || planned("truncated_body", on_edge(), json!({ "keep": 0.5 }));
    let stall = || planned("stream_stall", on_edge(), json!({ "stall_ms": 30.0 }));
    let garbled: Bytes = ANSWER[..5].iter().map(|byte| byte ^ 0xa5).collect();
    let garble = || planned("malformed_response", on_edge(), json!({}));
    let answer = |faults: Vec<Planned>| {
        let injector = injector(faults);
        run_virtual(|clock| {
            let bench = Bench::on_edge(&injector, &clock, &vector_db(), &shard());
            async move { bench.ask(on_wire(&context(0))).await }
        })
    };
    let expected = |body: &[u8], head_us: u64| Answered {
        status: 200,
        head_us,
        took_us: 30_000,
        body: Some(Bytes::copy_from_slice(body)),
    };
    // Five of ten bytes, and two of these five.
    assert_eq!(
        answer(vec![half(), half(), stall()]),
        expected(&ANSWER[..2], 0)
    );
    assert_eq!(
        answer(vec![half(), garble(), stall()]),
        expected(&garbled, 0)
    );
    // Who cuts off the end of an answer has to wait for it.
    assert_eq!(
        answer(vec![stall(), half()]),
        expected(&ANSWER[..5], 30_000)
    );
}

/// A request of user 7 about topic 3, with documents of 9,000 bytes, for a tenant.
fn described() -> RequestContext {
    RequestContext::new("0", "user-7")
        .with_baggage(BAGGAGE_TOPIC, 3)
        .with_baggage(BAGGAGE_DOCUMENT_BYTES, 9_000)
}

fn wanted(json: Value) -> Match {
    serde_json::from_value(json).expect("a condition")
}

#[test]
fn a_fault_concerns_whom_it_names_at_a_server_and_on_an_edge() {
    let tenant = HeaderMatch {
        name: "x-tenant".to_owned(),
        value: "acme".to_owned(),
    };
    let cases = [
        (json!({ "user": "user-7" }), true),
        (json!({ "user": "user-70" }), false),
        (json!({ "topic": 3 }), true),
        (json!({ "topic": 33 }), false),
        (json!({ "document_bytes_min": 9_000 }), true),
        (json!({ "document_bytes_min": 9_001 }), false),
        (json!({ "operation": PATH }), true),
        (json!({ "operation": "/ragdoll.v1.Shard/Upsert" }), false),
        (json!({ "header": tenant }), true),
        (
            json!({ "header": { "name": "x-tenant", "value": "acm" } }),
            false,
        ),
        (
            json!({ "header": { "name": "x-other", "value": "acme" } }),
            false,
        ),
        (
            json!({ "user": "user-7", "topic": 3, "header": tenant }),
            true,
        ),
        (
            json!({ "user": "user-7", "topic": 4, "header": tenant }),
            false,
        ),
    ];
    let asked = |target: Target, only: &Value| {
        let fault = changed(delay_on(target.clone(), 1.0), |spec| {
            spec.only = Some(wanted(only.clone()));
        });
        let injector = injector(vec![fault]);
        let took_us = run_virtual(|clock| {
            let (bench, mut request) = if target.edge.is_some() {
                let bench = Bench::on_edge(&injector, &clock, &vector_db(), &shard());
                (bench, on_wire(&described()))
            } else {
                let bench = Bench::at_server(&injector, &clock);
                (bench, request(&described()))
            };
            let (name, value) = (
                HeaderName::from_static("x-tenant"),
                HeaderValue::from_static("acme"),
            );
            request.headers_mut().insert(name, value);
            async move { bench.ask(request).await.took_us }
        });
        (took_us, opportunities_and_firings(&injector))
    };
    for (only, met) in cases {
        let expected = (
            u64::from(met) * 1_000,
            vec![(u64::from(met), u64::from(met))],
        );
        for target in [on_shards(), on_edge()] {
            assert_eq!(asked(target.clone(), &only), expected, "{only} {target}");
        }
    }
}

/// Of each pair of eight callers and eight callees, the share of its requests that meet the fault.
fn shares_by_pair(seed: u64) -> Vec<f64> {
    const REQUESTS: u64 = 20;
    let fault = changed(delay_on(on_edge(), 1.0), |spec| {
        (spec.per, spec.probability) = (Per::Connection, 0.5);
    });
    let injector = Injector::new(vec![fault], &Streams::new(seed)).expect("sound parameters");
    run_virtual(|clock| async move {
        let mut shares = Vec::new();
        for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
            let from = InstanceId::new(Service::VectorDb, from);
            let bench = Bench::on_edge(&injector, &clock, &from, &InstanceId::shard(to, 0));
            let mut met = 0;
            for number in 0..REQUESTS {
                met += u64::from(bench.send(number).await > 0);
            }
            shares.push(met as f64 / REQUESTS as f64);
        }
        shares
    })
}

#[test]
fn all_requests_of_a_pair_meet_a_fault_of_connections_or_none_does() {
    let shares = shares_by_pair(1);
    assert!(
        shares.iter().all(|share| [0.0, 1.0].contains(share)),
        "{shares:?}"
    );
    let met: f64 = shares.iter().sum();
    // Five standard deviations of 64 fair coins are 20.
    assert!((12.0..=52.0).contains(&met), "{met} of 64 pairs");
    let differs = |pairs: &[f64]| pairs.contains(&0.0) && pairs.contains(&1.0);
    let of_first_caller = &shares[..8];
    let of_first_callee: Vec<f64> = shares.iter().step_by(8).copied().collect();
    assert!(differs(of_first_caller) && differs(&of_first_callee));
    assert_eq!(shares_by_pair(1), shares);
    assert_ne!(shares_by_pair(2), shares);
}

#[test]
fn a_fault_that_comes_and_goes_adds_to_one_that_stays() {
    let pulsed = Planned {
        start_us: 2 * SECOND,
        stop_us: 11 * SECOND,
        ..changed(delay(4.0), |spec| {
            (spec.every_s, spec.for_s) = (Some(3.0), Some(1.0));
        })
    };
    let injector = injector(vec![delay(1.0), pulsed]);
    let times_us = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        async move {
            let mut times_us = Vec::new();
            for second in 0..13 {
                times_us.push(bench.send_at(second * SECOND, second).await);
            }
            times_us
        }
    });
    let both = [2, 5, 8];
    let expected: Vec<u64> = (0..13)
        .map(|second| if both.contains(&second) { 5_000 } else { 1_000 })
        .collect();
    assert_eq!(times_us, expected);
    assert_eq!(opportunities_and_firings(&injector), [(13, 13), (3, 3)]);
}

#[test]
fn the_share_of_firings_grows_and_falls_with_the_ramps() {
    const REQUESTS_PER_S: u64 = 100;
    let ramped = Planned {
        start_us: 0,
        stop_us: 40 * SECOND,
        ..changed(delay(1.0), |spec| {
            (spec.ramp_up_s, spec.ramp_down_s, spec.probability) = (20.0, 10.0, 0.8);
        })
    };
    let injector = injector(vec![ramped]);
    let met = run_virtual(|clock| {
        let bench = Bench::at_server(&injector, &clock);
        async move {
            let mut met = [0_u32; 8];
            for number in 0..40 * REQUESTS_PER_S {
                let at_us = number * SECOND / REQUESTS_PER_S;
                let slow = bench.send_at(at_us, number).await > 0;
                met[(at_us / (5 * SECOND)) as usize] += u32::from(slow);
            }
            met
        }
    });
    // 500 requests each: 0.8 of the mean height of the ramp there. Five standard deviations of a
    // fair coin are 56.
    let expected = [50, 150, 250, 350, 400, 400, 300, 100];
    for (met_here, expected) in met.iter().zip(expected) {
        assert!(met_here.abs_diff(expected) <= 56, "{met:?}");
    }
    assert_eq!(injector.witnesses()[0].opportunities, 4_000);
}
