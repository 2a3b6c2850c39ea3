//! Partitions: which messages wait for how long, on which edges, and what is noted of it.

use std::sync::Arc;

use std::convert::Infallible;

use http_body_util::{BodyExt as _, StreamBody};
use ragdoll_fault_layers::{Injector, Means, Planned};
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Body, BoxService, Clock, Request, Response, Streams, run_virtual};
use ragdoll_telemetry::RequestContext;
use serde_json::json;
use tower::{Layer as _, Service as _};

/// Every partition here is in force from 1,000 to 2,000.
const WINDOW: (u64, u64) = (1_000, 2_000);
/// How long the callee works on a request.
const WORK_US: u64 = 100;

fn partition(target: Target, direction: &str) -> Planned {
    Planned {
        spec: FaultSpec::new("partition", target, json!({ "direction": direction })),
        start_us: WINDOW.0,
        stop_us: WINDOW.1,
    }
}

fn injector(faults: Vec<Planned>) -> Injector {
    Injector::new(faults, &Streams::new(1)).expect("sound parameters")
}

fn instance(service: Service) -> InstanceId {
    InstanceId::new(service, 0)
}

/// A call from one instance to another, sent at a time.
#[derive(Clone)]
struct Call {
    clock: Clock,
    edge: BoxService,
}

impl Call {
    /// The callee answers after [`WORK_US`]; its answer says when the request reached it.
    fn over(clock: &Clock, injector: &Injector, from: &InstanceId, to: &InstanceId) -> Call {
        let served = clock.clone();
        let callee = tower::service_fn(move |_: Request| {
            let clock = served.clone();
            async move {
                let reached_us = clock.now_us();
                clock.sleep_us(WORK_US).await;
                let mut response = Response::default();
                let headers = response.headers_mut();
                headers.insert("reached-us", reached_us.into());
                Ok::<_, Infallible>(response)
            }
        });
        let layer = injector.edge_layer(clock, from, to, Arc::new(|| 0));
        Call {
            clock: clock.clone(),
            edge: layer.layer(BoxService::new(callee)),
        }
    }

    /// When a request that is sent at `at_us` reaches the callee, and when its answer is there.
    async fn sent_at(&self, at_us: u64) -> (u64, u64) {
        self.clock.sleep_until_us(at_us).await;
        let Ok(response) = self.edge.clone().call(request(at_us)).await;
        let reached = response.headers()["reached-us"].to_str().expect("digits");
        (reached.parse().expect("a number"), self.clock.now_us())
    }
}

fn request(number: u64) -> Request {
    let mut request = Request::new(Body::default());
    let context = RequestContext::new(number.to_string(), "user-1");
    context.inject(request.headers_mut(), 0);
    request
}

/// Calls from `from` to `to` that are sent before, within and after the partition.
fn calls(planned: Planned, means: Means, from: &InstanceId, to: &InstanceId) -> [(u64, u64); 3] {
    let injector = injector(vec![planned]).carried_out_by(means);
    run_virtual(|clock| async move {
        let call = Call::over(&clock, &injector, from, to);
        let sent = [950, 1_500, 2_000].map(|at_us| {
            let call = call.clone();
            tokio::spawn(async move { call.sent_at(at_us).await })
        });
        let mut seen = [(0, 0); 3];
        for (seen, sent) in seen.iter_mut().zip(sent) {
            *seen = sent.await.expect("no panic");
        }
        seen
    })
}

const UNTOUCHED: [(u64, u64); 3] = [(950, 1_050), (1_500, 1_600), (2_000, 2_100)];
const REQUEST_HELD: [(u64, u64); 3] = [(950, 1_050), (2_000, 2_100), (2_000, 2_100)];
const ANSWER_HELD: [(u64, u64); 3] = [(950, 2_000), (1_500, 2_000), (2_000, 2_100)];
const BOTH_HELD: [(u64, u64); 3] = [(950, 2_000), (2_000, 2_100), (2_000, 2_100)];

#[test]
fn messages_are_held_in_their_direction_and_pass_when_the_partition_heals() {
    let (gateway, reranker) = (instance(Service::GATEWAY), instance(Service::RERANKER));
    let seen = |target: Target, direction: &str| {
        let fault = partition(target, direction);
        calls(fault, Means::InProcess, &gateway, &reranker)
    };
    for callee in [
        Target::service(Service::RERANKER),
        Target::instance("reranker-0"),
        Target::edge(Service::GATEWAY, Service::RERANKER),
    ] {
        assert_eq!(seen(callee.clone(), "both"), BOTH_HELD, "{callee}");
        assert_eq!(seen(callee.clone(), "to"), REQUEST_HELD, "{callee}");
        assert_eq!(seen(callee.clone(), "from"), ANSWER_HELD, "{callee}");
    }
    for caller in [
        Target::service(Service::GATEWAY),
        Target::instance("gateway-0"),
    ] {
        assert_eq!(seen(caller.clone(), "both"), BOTH_HELD, "{caller}");
        assert_eq!(seen(caller.clone(), "to"), ANSWER_HELD, "{caller}");
        assert_eq!(seen(caller.clone(), "from"), REQUEST_HELD, "{caller}");
    }
    for other in [
        Target::instance("reranker-1"),
        Target::service(Service::LLM),
        Target::edge(Service::GATEWAY, Service::LLM),
        Target::edge(Service::INGEST_WORKER, Service::EMBEDDER),
    ] {
        assert_eq!(seen(other.clone(), "both"), UNTOUCHED, "{other}");
    }
}

#[test]
fn where_an_engine_disconnects_the_target_the_layer_holds_what_that_does_not_reach() {
    let (gateway, reranker) = (instance(Service::GATEWAY), instance(Service::RERANKER));
    let engine = Means::Engine { burns: false };
    let seen = |target: Target, direction: &str| {
        calls(partition(target, direction), engine, &gateway, &reranker)
    };
    let whole = || Target::service(Service::RERANKER);
    assert_eq!(seen(whole(), "both"), UNTOUCHED, "the engine does that");
    assert_eq!(seen(whole(), "to"), REQUEST_HELD, "it cannot do half of it");
    let edge = Target::edge(Service::GATEWAY, Service::RERANKER);
    assert_eq!(seen(edge, "both"), BOTH_HELD, "nor one edge of many");

    let fault = || partition(Target::service(Service::GATEWAY), "both");
    let client = instance(Service::CLIENT);
    let seen = calls(fault(), engine, &client, &gateway);
    assert_eq!(seen, BOTH_HELD, "the load generator is not on its network");
    let seen = calls(fault(), Means::Signals, &gateway, &reranker);
    assert_eq!(seen, BOTH_HELD, "signals cut no connection");
}

#[test]
fn each_message_that_is_held_is_counted_with_its_time() {
    let injector = injector(vec![partition(Target::service(Service::RERANKER), "both")]);
    run_virtual(|clock| {
        let (gateway, reranker) = (instance(Service::GATEWAY), instance(Service::RERANKER));
        let call = Call::over(&clock, &injector, &gateway, &reranker);
        async move {
            let patient = call.clone();
            let answer_held = tokio::spawn(async move { patient.sent_at(950).await });
            let given_up = clock.timeout_us(1_700, call.sent_at(1_500)).await;
            assert!(given_up.is_err(), "the caller had no more patience");
            answer_held.await.expect("no panic");
            call.sent_at(3_000).await;
        }
    });
    let report = &injector.witnesses()[0];
    assert_eq!((report.opportunities, report.firings), (2, 2));
    assert_eq!(report.requests_touched, 2);
    let named: Vec<&str> = report.touched.iter().map(|one| &*one.request_id).collect();
    assert_eq!(named, ["950", "1500"]);
    // From 1,050 to the heal, and from 1,500 until the caller gave up.
    assert_eq!(report.injected_us, 950 + 200);
}

#[test]
fn of_two_partitions_the_longer_one_holds_and_both_are_counted() {
    let longer = Planned {
        stop_us: 2_500,
        ..partition(Target::instance("gateway-0"), "both")
    };
    let next = Planned {
        start_us: 2_500,
        stop_us: 2_600,
        ..partition(Target::edge(Service::GATEWAY, Service::RERANKER), "both")
    };
    let shorter = partition(Target::instance("reranker-0"), "both");
    let injector = injector(vec![shorter, longer, next]);
    let seen = run_virtual(|clock| {
        let (gateway, reranker) = (instance(Service::GATEWAY), instance(Service::RERANKER));
        let call = Call::over(&clock, &injector, &gateway, &reranker);
        async move { call.sent_at(1_200).await }
    });
    assert_eq!(seen, (2_600, 2_700), "the next one began when it healed");
    let witnesses = injector.witnesses();
    let counts: Vec<_> = witnesses
        .iter()
        .map(|report| (report.firings, report.injected_us))
        .collect();
    assert_eq!(counts, [(1, 800), (1, 1_300), (1, 100)]);
}

#[test]
fn a_partition_that_cannot_happen_holds_nothing() {
    let mut never = partition(Target::service(Service::RERANKER), "both");
    never.spec.probability = 0.0;
    let (gateway, reranker) = (instance(Service::GATEWAY), instance(Service::RERANKER));
    let seen = calls(never, Means::InProcess, &gateway, &reranker);
    assert_eq!(seen, UNTOUCHED);
}

/// The head of a stream has passed, and then its line is cut: what comes after waits.
#[test]
fn the_rest_of_a_stream_is_held_and_nothing_of_it_is_lost() {
    let fault = partition(Target::service(Service::LLM), "from");
    let injector = injector(vec![fault]);
    let arrived = run_virtual(|clock| {
        let served = clock.clone();
        let callee = tower::service_fn(move |_: Request| {
            let clock = served.clone();
            let frames = futures_util::stream::unfold(0_u8, move |number| {
                let clock = clock.clone();
                async move {
                    clock.sleep_us(400).await;
                    let frame = http_body::Frame::data(bytes::Bytes::from(vec![number]));
                    (number < 5).then(|| (Ok::<_, Infallible>(frame), number + 1))
                }
            });
            let body = Body::new(StreamBody::new(Box::pin(frames)));
            std::future::ready(Ok::<_, Infallible>(Response::new(body)))
        });
        let (gateway, llm) = (instance(Service::GATEWAY), instance(Service::LLM));
        let layer = injector.edge_layer(&clock, &gateway, &llm, Arc::new(|| 0));
        let mut edge = layer.layer(BoxService::new(callee));
        async move {
            let Ok(response) = edge.call(request(7)).await;
            let mut body = response.into_body();
            let mut arrived = Vec::new();
            while let Some(frame) = body.frame().await {
                let data = frame.expect("whole").into_data().expect("data");
                arrived.push((data[0], clock.now_us()));
            }
            arrived
        }
    });
    let expected = [(0, 400), (1, 800), (2, 2_000), (3, 2_400), (4, 2_800)];
    assert_eq!(arrived, expected);
    let report = &injector.witnesses()[0];
    assert_eq!((report.firings, report.requests_touched), (1, 1));
}
