//! A service behind a layer, requests to it, and faults for it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use ragdoll_fault_layers::{FaultLayer, Injector, Planned};
use ragdoll_fault_spec::{FaultSpec, Target};
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Body, BoxService, Clock, Overrides, Request, Streams};
use ragdoll_telemetry::RequestContext;
use serde_json::{Value, json};
use tower::{Layer as _, Service as _};

pub(crate) const SECOND: u64 = 1_000_000;
pub(crate) const PATH: &str = "/ragdoll.v1.Shard/Query";
pub(crate) const ANSWER: &[u8] = b"0123456789";

pub(crate) fn shard() -> InstanceId {
    InstanceId::shard(2, 0)
}

pub(crate) fn vector_db() -> InstanceId {
    InstanceId::new(Service::VECTOR_DB, 0)
}

pub(crate) fn on_shards() -> Target {
    Target::service(Service::SHARD)
}

pub(crate) fn on_edge() -> Target {
    Target::edge(Service::VECTOR_DB, Service::SHARD)
}

pub(crate) fn planned(kind: &str, target: Target, params: Value) -> Planned {
    Planned {
        spec: FaultSpec::new(kind, target, params),
        start_us: 0,
        stop_us: u64::MAX,
    }
}

pub(crate) fn delay_on(target: Target, ms: f64) -> Planned {
    planned(
        "latency",
        target,
        json!({ "delay": { "fixed": { "ms": ms } } }),
    )
}

pub(crate) fn delay(ms: f64) -> Planned {
    delay_on(on_shards(), ms)
}

/// A fault that answers in place of the service after `ms`.
pub(crate) fn refuse(http_status: u16, ms: f64) -> Planned {
    let params = json!({ "http_status": http_status, "after": { "fixed": { "ms": ms } } });
    planned("error_rate", on_shards(), params)
}

pub(crate) fn changed(mut planned: Planned, change: impl FnOnce(&mut FaultSpec)) -> Planned {
    change(&mut planned.spec);
    planned
}

pub(crate) fn injector(faults: Vec<Planned>) -> Injector {
    Injector::new(faults, &Streams::new(1)).expect("sound parameters")
}

/// What comes back, and when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) head_us: u64,
    pub(crate) took_us: u64,
    /// `None` where the connection broke.
    pub(crate) body: Option<Bytes>,
}

/// A service behind a layer, which notes with what parameters requests reach it.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) clock: Clock,
    service: BoxService,
    reached: Arc<Mutex<Vec<Option<Arc<Overrides>>>>>,
}

impl Bench {
    pub(crate) fn new(clock: &Clock, layer: &FaultLayer) -> Self {
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

    pub(crate) fn at_server(injector: &Injector, clock: &Clock) -> Self {
        let layer = injector.server_layer(clock, &shard(), Arc::new(|| 0));
        Bench::new(clock, &layer)
    }

    pub(crate) fn on_edge(
        injector: &Injector,
        clock: &Clock,
        from: &InstanceId,
        to: &InstanceId,
    ) -> Self {
        let layer = injector.edge_layer(clock, from, to, Arc::new(|| 0));
        Bench::new(clock, &layer)
    }

    pub(crate) async fn ask(&self, request: Request) -> Answered {
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
    pub(crate) async fn send(&self, number: u64) -> u64 {
        self.ask(request(&context(number))).await.took_us
    }

    pub(crate) async fn send_at(&self, at_us: u64, number: u64) -> u64 {
        self.clock.sleep_until_us(at_us).await;
        self.send(number).await
    }

    pub(crate) fn reached(&self) -> Vec<Option<Arc<Overrides>>> {
        self.reached.lock().expect("no panic").clone()
    }
}

pub(crate) fn context(number: u64) -> RequestContext {
    RequestContext::new(number.to_string(), "user-1")
}

/// A request as a server has it: an extension says whose it is.
pub(crate) fn request(context: &RequestContext) -> Request {
    let mut request = Request::new(Body::default());
    *request.uri_mut() = PATH.parse().expect("a path");
    request.extensions_mut().insert(context.clone());
    request
}

/// The same on the wire: its headers say whose it is.
pub(crate) fn on_wire(context: &RequestContext) -> Request {
    let mut request = request(context);
    request.extensions_mut().remove::<RequestContext>();
    context.inject(request.headers_mut(), 0);
    request
}

pub(crate) fn opportunities_and_firings(injector: &Injector) -> Vec<(u64, u64)> {
    let reports = injector.witnesses().into_iter();
    reports
        .map(|report| (report.opportunities, report.firings))
        .collect()
}
