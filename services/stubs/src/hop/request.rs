//! A request as the function that serves it sees it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use ragdoll_model::proto::Content;
use ragdoll_model::{Dist, GraphService};
use ragdoll_resources::{Cpu, Instance, Pool, Workers};
use ragdoll_runtime::random::{ms_to_us, sample_us, unit};
use ragdoll_runtime::{Rng, Stream};
use ragdoll_telemetry::{RequestContext, log};

use super::calls::Downstream;
use super::content::Carried;
use super::failure::Failure;
use super::message::Message;

/// What all requests in one instance share.
pub(super) struct Place {
    instance: Arc<Instance>,
    workers: Arc<Workers>,
    cpu: Arc<Cpu>,
    calls: Vec<Downstream>,
    random: Stream,
}

impl Place {
    /// The service `spec` on one instance, with what it may call.
    pub(super) fn new(
        instance: &Arc<Instance>,
        spec: &GraphService,
        workers: &Arc<Workers>,
        calls: Vec<Downstream>,
    ) -> Place {
        Place {
            instance: instance.clone(),
            workers: workers.clone(),
            cpu: Cpu::new(instance, spec.cores(), spec.cpu_quota_ms),
            calls,
            random: instance.random.child("behaviour"),
        }
    }

    /// The pools of connections of all calls.
    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.calls.iter().filter_map(Downstream::pool)
    }

    /// Where the call of a service stands.
    ///
    /// # Panics
    /// Where the description of this service has no such call: the analyser, the faults and the report's
    /// picture would not know of it.
    fn position(&self, callee: &str) -> usize {
        let mut calls = self.calls.iter();
        let found = calls.position(|call| call.service().name() == callee);
        found.unwrap_or_else(|| {
            let described: Vec<&str> = self.calls.iter().map(|call| call.service().name()).collect();
            panic!(
                "the behaviour of {} calls `{callee}`, but its description has calls of {described:?} alone: add one",
                self.instance.id.service()
            )
        })
    }
}

/// A request in a service whose behaviour is a function of yours: what it says, and all that the function
/// can do. Copies are the same request. Whatever takes time goes through it: another library's timer or
/// socket knows nothing of simulated time.
#[derive(Clone)]
pub struct Request {
    shared: Arc<Shared>,
}

struct Shared {
    place: Arc<Place>,
    context: RequestContext,
    payload: Bytes,
    state: Mutex<State>,
}

struct State {
    rng: Rng,
    /// Calls made so far, in the order of the description.
    made: Vec<u64>,
    /// What the request is about, with what its calls found, where the system reads that.
    carried: Option<Carried>,
}

impl Request {
    pub(super) fn new(place: &Arc<Place>, context: &RequestContext, message: Message) -> Request {
        let state = State {
            rng: context.random(place.random),
            made: vec![0; place.calls.len()],
            carried: message.content.map(Carried::received),
        };
        Request {
            shared: Arc::new(Shared {
                place: place.clone(),
                context: context.clone(),
                payload: message.payload,
                state: Mutex::new(state),
            }),
        }
    }

    /// What the caller sent; of the service that users call, the text of the question.
    pub fn payload(&self) -> &Bytes {
        &self.shared.payload
    }

    /// The request's id, which is the same in every service.
    pub fn id(&self) -> &str {
        &self.shared.context.request_id
    }

    /// Who asks, such as `user-7`.
    pub fn user(&self) -> &str {
        &self.shared.context.user_id
    }

    /// Computes for this long on the instance's processors, which all of its requests share: longer
    /// where they are busy, throttled, or slowed down by a fault. Below 0 counts as 0.
    pub async fn work_ms(&self, ms: f64) {
        self.work_us(ms_to_us(ms)).await;
    }

    /// Computes for a time that is drawn from this distribution.
    pub async fn work(&self, time: Dist) {
        let drawn_us = sample_us(&time, &mut self.state().rng);
        self.work_us(drawn_us).await;
    }

    async fn work_us(&self, work_us: u64) {
        let Shared { place, context, .. } = &*self.shared;
        let work_us = place.workers.scaled_us(context, work_us);
        place.cpu.run(context, work_us).await;
    }

    /// Waits for this long without computing. Below 0 counts as 0.
    pub async fn sleep_ms(&self, ms: f64) {
        let clock = &self.shared.place.instance.clock;
        clock.sleep_us(ms_to_us(ms)).await;
    }

    /// Calls another service with the connections, attempts, time-outs and limits of the description. Calls
    /// may be made at once, and as often as is liked; each draws anew in the callee. A request's calls of
    /// one service all begin at the same instance of it.
    ///
    /// # Errors
    /// What the callee answered, or the network did in its place.
    ///
    /// # Panics
    /// Where the description of this service has no call of `service`.
    pub async fn call(&self, service: &str, payload: impl Into<Bytes>) -> Result<Bytes, Failure> {
        let Shared { place, context, .. } = &*self.shared;
        let position = place.position(service);
        let (earlier, content) = {
            let mut state = self.state();
            state.made[position] += 1;
            let content = state.carried.as_ref().map(Carried::question);
            (state.made[position] - 1, content)
        };
        let call = &place.calls[position];
        let context = match earlier {
            0 => context.clone(),
            earlier => context.clone().on_way(call.key(), earlier),
        };
        let message = Message {
            payload: payload.into(),
            content,
        };
        let answer = call.ask(&place.instance, &context, message).await?;
        if let (Some(carried), Some(content)) = (&mut self.state().carried, answer.content) {
            carried.merge(content);
        }
        Ok(answer.payload)
    }

    /// The time, in milliseconds of the run.
    pub fn now_ms(&self) -> f64 {
        self.shared.place.instance.clock.now_us() as f64 / 1000.0
    }

    /// When the caller gives up, in milliseconds of the run; none where it waits for ever.
    pub fn deadline_ms(&self) -> Option<f64> {
        let deadline_us = self.shared.context.deadline_us;
        deadline_us.map(|deadline_us| deadline_us as f64 / 1000.0)
    }

    /// A random number from 0 to below 1. The numbers of a request follow from the run's seed, the service
    /// and the request alone.
    pub fn random(&self) -> f64 {
        unit(&mut self.state().rng)
    }

    /// Writes a line to the service's log, with the ids of the request.
    pub fn log(&self, text: &str) {
        let Shared { place, context, .. } = &*self.shared;
        log!(
            info,
            place.instance.telemetry,
            *context,
            "note",
            text = text
        );
    }

    /// What its calls found, for the caller.
    pub(super) fn found(&self) -> Option<Content> {
        self.state().carried.as_ref().map(Carried::answer)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        let state = &self.shared.state;
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("service", &self.shared.place.instance.id)
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
