//! The one layer that carries decisions out.

use std::cell::OnceCell;
use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt as _, Full};
use ragdoll_model::InstanceId;
use ragdoll_runtime::random::chance;
use ragdoll_runtime::{Body, BoxService, Clock, Refusal, Request, is_grpc};
use ragdoll_telemetry::RequestContext;
use tonic::Code;
use tower::{Layer, Service as _};

use crate::action::Power;
use crate::armed::Armed;
use crate::cut::{HeldBody, Line, Way};
use crate::decision::Decision;
use crate::facts::Facts;
use crate::injector::Injector;
use crate::met::{Met, Place, StartedUs, Where};
use crate::spoil::Spoil;

/// Puts faults in front of a service.
#[derive(Clone)]
pub struct FaultLayer {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    injector: Injector,
    at: Where,
    /// What was met here when the injector's faults last changed.
    known: Mutex<(u64, Place)>,
}

impl Injector {
    /// The layer in front of an instance's stub; `started_us` says when its process was started.
    pub fn server_layer(
        &self,
        clock: &Clock,
        instance: &InstanceId,
        started_us: StartedUs,
    ) -> FaultLayer {
        let at = Where::Server(instance.clone(), started_us);
        FaultLayer::new(clock.clone(), self.clone(), at)
    }

    /// The layer around the wire between two instances; `started_us` says when the caller's process
    /// was started.
    pub fn edge_layer(
        &self,
        clock: &Clock,
        from: &InstanceId,
        to: &InstanceId,
        started_us: StartedUs,
    ) -> FaultLayer {
        let at = Where::Edge(from.clone(), to.clone(), started_us);
        FaultLayer::new(clock.clone(), self.clone(), at)
    }
}

impl FaultLayer {
    fn new(clock: Clock, injector: Injector, at: Where) -> Self {
        let known = injector.place(&at);
        FaultLayer {
            shared: Arc::new(Shared {
                clock,
                injector,
                at,
                known: Mutex::new(known),
            }),
        }
    }
}

impl Layer<BoxService> for FaultLayer {
    type Service = BoxService;

    /// A service that no fault can ever meet is left as it is.
    fn layer(&self, inner: BoxService) -> BoxService {
        if !self.shared.injector.is_open() && self.shared.place().is_empty() {
            return inner;
        }
        let shared = self.shared.clone();
        BoxService::of(move |mut request| {
            let mut inner = inner.clone();
            let place = shared.place();
            if place.is_empty() {
                return inner.call(request);
            }
            let verdict = shared.decide(&place, &request);
            let line = shared.line(&place, &request);
            if verdict.is_nothing() && line.is_none() {
                return inner.call(request);
            }
            verdict.change(&mut request);
            let shared = shared.clone();
            Box::pin(async move {
                let clock = &shared.clock;
                clock.sleep_us(verdict.sum.delay_us).await;
                if let Some(down_us) = verdict.sum.kill_for_us
                    && let Some(power) = shared.power()
                {
                    power.crash(down_us);
                    let cut = Refusal::new(Code::Unavailable, "connection reset");
                    return Ok(cut.response(is_grpc(request.headers())));
                }
                if let Some(refusal) = &verdict.sum.refusal {
                    return Ok(refusal.response(is_grpc(request.headers())));
                }
                if let Some(line) = &line {
                    line.pass(Way::Request).await;
                }
                if verdict.sum.duplicate {
                    let copy;
                    (request, copy) = twice(request).await;
                    let copied = inner.call(copy);
                    tokio::spawn(copied);
                }
                let mut response = inner.call(request).await?;
                clock.sleep_us(verdict.sum.answer_delay_us).await;
                for spoil in verdict.spoils {
                    response = spoil.apply(response, clock).await;
                }
                let Some(line) = line else {
                    return Ok(response);
                };
                line.pass(Way::Answer).await;
                Ok(response.map(|body| Body::new(HeldBody::new(body, line))))
            })
        })
    }
}

/// A request and its copy, as a client sends it that did not hear of the first.
async fn twice(request: Request) -> (Request, Request) {
    let (parts, body) = request.into_parts();
    let collected = body.collect().await;
    let bytes = collected.map(|body| body.to_bytes()).unwrap_or_default();
    let whole = || Body::new(Full::new(bytes.clone()).map_err(|never| match never {}));
    let copy = Request::from_parts(parts.clone(), whole());
    (Request::from_parts(parts, whole()), copy)
}

/// What all faults together decided for one request.
#[derive(Default)]
struct Sum {
    sum: Decision,
    /// In the order in which they are carried out.
    spoils: Vec<Spoil>,
}

impl Sum {
    fn is_nothing(&self) -> bool {
        self.sum.is_nothing() && self.spoils.is_empty()
    }

    /// Adds what a further fault decided: delays add up, of parameters the last wins, answers are
    /// spoilt one after the other.
    fn add(&mut self, decided: Decision) {
        let sum = &mut self.sum;
        sum.delay_us = sum.delay_us.saturating_add(decided.delay_us);
        sum.answer_delay_us = sum.answer_delay_us.saturating_add(decided.answer_delay_us);
        if let Some(overrides) = decided.overrides {
            let earlier = sum.overrides.take().unwrap_or_default();
            sum.overrides = Some(earlier.merged(&overrides));
        }
        if let Some(wire) = decided.wire {
            sum.wire = Some(sum.wire.unwrap_or_default().merged(wire));
        }
        sum.kill_for_us = sum.kill_for_us.or(decided.kill_for_us);
        sum.duplicate |= decided.duplicate;
        sum.refusal = sum.refusal.take().or(decided.refusal);
        self.spoils.extend(decided.spoil);
    }

    /// Writes what others are to carry out beside the request.
    fn change(&self, request: &mut Request) {
        if let Some(wire) = self.sum.wire {
            request.extensions_mut().insert(wire);
        }
        if let Some(overrides) = &self.sum.overrides
            && let Some(context) = request.extensions_mut().get_mut::<RequestContext>()
        {
            let merged = match &context.overrides {
                Some(earlier) => earlier.merged(overrides),
                None => overrides.clone(),
            };
            context.overrides = Some(Arc::new(merged));
        }
    }
}

impl Shared {
    /// What is met here now.
    fn place(&self) -> Place {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.0 != self.injector.version() {
            let (version, mut place) = self.injector.place(&self.at);
            place.count_on_from(&known.1);
            *known = (version, place);
        }
        known.1.clone()
    }

    /// The process that faults here may kill.
    fn power(&self) -> Option<Arc<dyn Power>> {
        match &self.at {
            Where::Server(instance, _) => self.injector.power(instance),
            Where::Edge(..) => None,
        }
    }

    /// The connection of a call, where it may be cut.
    fn line(&self, place: &Place, request: &Request) -> Option<Line> {
        let now_us = self.clock.now_us();
        Line::of(&self.clock, &place.cuts, || {
            RequestContext::extract(request.headers(), now_us)
        })
    }

    /// Asks every fault in force, in order. Once one refuses the request, or kills the process, the
    /// others are not asked: it does not come to them.
    fn decide(&self, place: &Place, request: &Request) -> Sum {
        let now_us = self.clock.now_us();
        let mut sum = Sum::default();
        // On an edge the request is on the wire: its headers say what an extension says at a server.
        // They are read only if somebody wants to know.
        let on_wire = OnceCell::new();
        let context = || match request.extensions().get::<RequestContext>() {
            Some(context) => context,
            None => on_wire.get_or_init(|| RequestContext::extract(request.headers(), now_us)),
        };
        let in_force = place.faults.iter().filter(|met| met.armed.in_force(now_us));
        for met in in_force {
            if let Some(decision) = self.ask(met, &context, request, now_us) {
                sum.add(decision);
                if sum.sum.refusal.is_some() || sum.sum.kill_for_us.is_some() {
                    break;
                }
            }
        }
        sum
    }

    /// What one fault decides; `None` where it lets the request pass.
    fn ask<'a>(
        &self,
        met: &Met,
        context: &impl Fn() -> &'a RequestContext,
        request: &'a Request,
        now_us: u64,
    ) -> Option<Decision> {
        let armed = &met.armed;
        let since_start_us = armed.timing.since_start_us(now_us);
        let facts = || Facts {
            context: Some(context()),
            headers: Some(request.headers()),
            operation: request.uri().path(),
            since_start_us,
            started_us: now_us.saturating_sub(since_start_us),
            up_us: self.at.up_us(now_us),
            ..Facts::default()
        };
        let wanted = armed.planned.spec.only.as_ref();
        if !wanted.is_none_or(|wanted| facts().fit(wanted)) {
            return None;
        }
        armed.witness.opportunity();
        let probability = armed.planned.spec.probability * armed.timing.intensity(now_us);
        if probability <= 0.0 {
            return None;
        }
        let context = context();
        let mut random = context.random(armed.random.child(self.at.callee()));
        if !armed.strikes(&self.at, probability, &mut random) {
            return None;
        }
        let mut facts = facts();
        (facts.number, facts.in_second) = met.count(now_us);
        let decision = armed.fault.decide(&facts, &mut random);
        if decision.is_nothing() && !armed.stands {
            return None;
        }
        let injected_us = decision.delay_us.saturating_add(decision.answer_delay_us);
        armed.witness.firing(injected_us, &context.request_id, || {
            context.span.trace_id().to_string()
        });
        Some(decision)
    }
}

impl Armed {
    /// Whether the fault comes up: for each request by itself, or for a connection once and for all.
    fn strikes(&self, at: &Where, probability: f64, random: &mut ragdoll_runtime::Rng) -> bool {
        use ragdoll_fault_spec::Per;
        match self.planned.spec.per {
            Per::Request => chance(probability, random),
            Per::Connection => {
                let connection = self.random.child("connection").child(&at.connection());
                chance(probability, &mut connection.rng())
            }
        }
    }
}
