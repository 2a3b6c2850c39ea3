//! What a service of a graph calls.

use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use ragdoll_model::proto::{Content, HopRequest, HopResponse};
use ragdoll_model::topology::FanOut;
use ragdoll_model::{Graph, GraphCall, Service};
use ragdoll_resources::{Attempt, Callee, Instance, Pool, fan_out};
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::chance;
use ragdoll_telemetry::names::grpc_code_name;
use ragdoll_telemetry::{RequestContext, log};
use tonic::Status;
use tonic_prost::ProstCodec;

use super::message::Message;
use crate::client::{Client, grpc_request};

/// One call of one instance.
pub(super) struct Downstream {
    service: Service,
    client: Client,
    callee: Callee,
    pool: Option<Arc<Pool>>,
    probability: f64,
    optional: bool,
    message: Bytes,
    random: Stream,
    /// Tells this way to the callee from others, so that a request that comes to it on several draws
    /// anew on each; absent where there is only this one.
    way: Option<u64>,
}

impl Downstream {
    /// The call number `position` of its caller.
    pub(super) fn new(
        instance: &Arc<Instance>,
        call: &GraphCall,
        position: u64,
        graph: &Graph,
        client: Client,
    ) -> Self {
        let name = call.service.name();
        let ways = graph.edges().filter(|(_, to)| *to == call.service).count();
        let random = instance.random.child("calls").child(&position.to_string());
        let pool = call
            .pool
            .map(|pool| Pool::unobserved(instance, name, pool.size, pool.timeout_ms));
        Downstream {
            service: call.service,
            client,
            callee: Callee::new(instance, name, &call.plan),
            pool,
            probability: call.probability,
            optional: call.optional,
            message: Bytes::from(vec![b'.'; call.request_bytes as usize]),
            random,
            way: (ways > 1).then(|| random.key()),
        }
    }

    /// The connections that it takes one of.
    pub(super) fn pool(&self) -> Option<&Arc<Pool>> {
        self.pool.as_ref()
    }

    /// Whether a request makes it.
    fn is_made(&self, context: &RequestContext) -> bool {
        self.probability >= 1.0 || chance(self.probability, &mut context.random(self.random))
    }

    /// The service that it calls.
    pub(super) fn service(&self) -> Service {
        self.service
    }

    /// The draws of this call, as a number.
    pub(super) fn key(&self) -> u64 {
        self.random.key()
    }

    /// Makes it with the bytes that were described. What came back is nothing where it failed and may.
    async fn make(
        &self,
        instance: &Instance,
        context: &RequestContext,
        content: Option<&Content>,
    ) -> Result<Option<Content>, Status> {
        let message = Message {
            payload: self.message.clone(),
            content: content.cloned(),
        };
        match self.ask(instance, context, message).await {
            Err(_) if self.optional => Ok(None),
            outcome => outcome.map(|answer| answer.content),
        }
    }

    /// Makes it with this message, and says in the log that it failed. The answer is the callee's.
    pub(super) async fn ask(
        &self,
        instance: &Instance,
        context: &RequestContext,
        message: Message,
    ) -> Result<Message, Status> {
        let status = match self.call(context, message).await {
            Ok(answer) => return Ok(answer),
            Err(status) => status,
        };
        log!(
            warn,
            instance.telemetry,
            *context,
            "call failed",
            callee = self.service.name(),
            status = grpc_code_name(status.code() as i32),
            reason = status.message(),
        );
        // What the callee's answer had besides is the callee's own.
        Err(Status::new(status.code(), status.message()))
    }

    async fn call(&self, context: &RequestContext, message: Message) -> Result<Message, Status> {
        let _connection = match &self.pool {
            None => None,
            Some(pool) => Some(pool.acquire(context).await?),
        };
        let attempt = |attempt: Attempt| {
            let context = attempt.context(context);
            let context = match self.way {
                None => context,
                Some(way) => context.on_way(way, 0),
            };
            let request = grpc_request(context, message.clone());
            send(self.client.clone(), self.service, request)
        };
        self.callee.call(context, attempt).await
    }
}

/// Makes those of a group's calls that the request makes, all at once, and waits for every one of
/// them. Gives what they brought, in the group's order.
///
/// # Errors
/// Of the calls that must not fail, the first in the group's order that does.
pub(super) async fn make(
    instance: &Instance,
    context: &RequestContext,
    content: Option<&Content>,
    group: &[Downstream],
) -> Result<Vec<Content>, Status> {
    if let [only] = group {
        return match only.is_made(context) {
            true => {
                let answer = only.make(instance, context, content).await?;
                Ok(answer.into_iter().collect())
            }
            false => Ok(Vec::new()),
        };
    }
    let mode = instance.overrides(context).fan_out;
    let made = (0..group.len()).filter(|&number| group[number].is_made(context));
    let made: Vec<usize> = made.collect();
    let outcomes = fan_out(mode.unwrap_or(FanOut::Parallel), 0, made, |number| {
        Box::pin(group[number].make(instance, context, content))
    });
    let answers: Vec<Option<Content>> = outcomes.await.into_iter().collect::<Result<_, _>>()?;
    Ok(answers.into_iter().flatten().collect())
}

/// Calls a service, and reads its answer. A generated client has one name; this has a name for each
/// service.
async fn send(
    client: Client,
    service: Service,
    request: tonic::Request<Message>,
) -> Result<Message, Status> {
    let mut grpc = tonic::client::Grpc::new(client);
    // A client is always ready; what it finds out about its callee comes with the answer.
    if let Err(never) = grpc.ready().await {
        match never {}
    }
    let path = PathAndQuery::from_static(service.path());
    let request = request.map(HopRequest::from);
    let codec: ProstCodec<HopRequest, HopResponse> = ProstCodec::default();
    let answer = grpc.unary(request, path, codec).await?;
    Ok(answer.into_inner().into())
}
