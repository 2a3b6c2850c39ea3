//! The one layer that carries decisions out.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use ragdoll_runtime::random::chance;
use ragdoll_runtime::{Body, BoxFuture, BoxService, Clock, Overrides, Request, Response};
use ragdoll_telemetry::RequestContext;
use tower::{Layer, Service};

use crate::cut::{Cut, HeldBody, Line, Way};
use crate::decision::Facts;
use crate::injector::Armed;

/// Puts faults in front of a service.
#[derive(Clone)]
pub struct FaultLayer {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    at: String,
    /// Those that every request meets.
    faults: Vec<Arc<Armed>>,
    /// Those that keep messages from passing.
    cuts: Arc<[Cut]>,
}

impl FaultLayer {
    pub(crate) fn new(clock: Clock, at: &str, faults: Vec<Arc<Armed>>, cuts: Vec<Cut>) -> Self {
        FaultLayer {
            shared: Arc::new(Shared {
                clock,
                at: at.to_owned(),
                faults,
                cuts: cuts.into(),
            }),
        }
    }
}

impl Layer<BoxService> for FaultLayer {
    type Service = BoxService;

    /// A service that no fault can meet is left as it is.
    fn layer(&self, inner: BoxService) -> BoxService {
        if self.shared.faults.is_empty() && self.shared.cuts.is_empty() {
            return inner;
        }
        BoxService::new(FaultService {
            shared: self.shared.clone(),
            inner,
        })
    }
}

/// A service with faults in front of it.
#[derive(Clone)]
pub struct FaultService {
    shared: Arc<Shared>,
    inner: BoxService,
}

impl Service<Request> for FaultService {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let (delay_us, overrides) = self.shared.decide(&request);
        if let Some(overrides) = overrides
            && let Some(context) = request.extensions_mut().get_mut::<RequestContext>()
        {
            let merged = match &context.overrides {
                Some(earlier) => earlier.merged(&overrides),
                None => overrides,
            };
            context.overrides = Some(Arc::new(merged));
        }
        let mut inner = self.inner.clone();
        let line = self.shared.line(&request);
        if delay_us == 0 && line.is_none() {
            return inner.call(request);
        }
        let shared = self.shared.clone();
        Box::pin(async move {
            shared.clock.sleep_us(delay_us).await;
            let Some(line) = line else {
                return inner.call(request).await;
            };
            line.pass(Way::Request).await;
            let response = inner.call(request).await?;
            line.pass(Way::Answer).await;
            Ok(response.map(|body| Body::new(HeldBody::new(body, line))))
        })
    }
}

impl Shared {
    /// The connection of a call, where it may be cut.
    fn line(&self, request: &Request) -> Option<Line> {
        let now_us = self.clock.now_us();
        Line::of(&self.clock, &self.cuts, || {
            RequestContext::extract(request.headers(), now_us)
        })
    }

    /// Asks every fault in force, in order: delays add up, of overrides the last wins.
    fn decide(&self, request: &Request) -> (u64, Option<Overrides>) {
        let now_us = self.clock.now_us();
        if !self.faults.iter().any(|armed| armed.in_force(now_us)) {
            return (0, None);
        }
        // On an edge the request is on the wire: its headers say what an extension says at a server.
        let on_wire;
        let context = match request.extensions().get::<RequestContext>() {
            Some(context) => context,
            None => {
                on_wire = RequestContext::extract(request.headers(), now_us);
                &on_wire
            }
        };
        let mut delay_us = 0;
        let mut overrides: Option<Overrides> = None;
        for armed in self.faults.iter().filter(|armed| armed.in_force(now_us)) {
            armed.witness.opportunity();
            let mut random = context.random(armed.random.child(&self.at));
            if !chance(armed.planned.spec.probability, &mut random) {
                continue;
            }
            let facts = Facts {
                request_id: &context.request_id,
                user_id: &context.user_id,
                operation: request.uri().path(),
            };
            let decision = armed.fault.decide(&facts, &mut random);
            armed
                .witness
                .firing(decision.delay_us, &context.request_id, || {
                    context.span.trace_id().to_string()
                });
            delay_us += decision.delay_us;
            if let Some(decided) = decision.overrides {
                let earlier = overrides.unwrap_or_default();
                overrides = Some(earlier.merged(&decided));
            }
        }
        (delay_us, overrides)
    }
}
