//! A caller's side of a call: which instance gets it, and what travels with it.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use ragdoll_model::InstanceId;
use ragdoll_runtime::random::hash;
use ragdoll_runtime::{BoxFuture, BoxService, Request, Response};
use ragdoll_telemetry::{KeyValue, RequestContext};
use tower::Service;

/// Attributes that a caller adds to the client span of its call: an extension of the request.
#[derive(Clone, Debug, Default)]
pub struct SpanAttributes(pub Vec<KeyValue>);

/// A client of one service, over all of its instances. The instance follows from the request's id,
/// and a further attempt, or a hedge, goes to the next
/// one.
#[derive(Clone)]
pub struct Client {
    targets: Arc<[(InstanceId, BoxService)]>,
}

impl Client {
    /// A client of these instances; at least one.
    pub fn new(targets: Vec<(InstanceId, BoxService)>) -> Self {
        assert!(!targets.is_empty(), "a client needs an instance to call");
        Client {
            targets: targets.into(),
        }
    }

    fn target(&self, context: &RequestContext) -> &BoxService {
        let count = self.targets.len() as u64;
        let first = hash(&context.request_id) % count;
        let further = u64::from(context.previous_attempts) + u64::from(context.hedge);
        let position = (first + further) % count;
        &self.targets[position as usize].1
    }
}

impl Service<Request> for Client {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let target = if self.targets.len() == 1 {
            &self.targets[0].1
        } else {
            let context = request.extensions().get::<RequestContext>();
            self.target(context.expect("every call carries its request's context"))
        };
        target.clone().call(request)
    }
}

/// A gRPC message with the context that the client's layers need.
pub fn grpc_request<T>(context: RequestContext, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.extensions_mut().insert(context);
    request
}

/// The context that the server's layers put beside a gRPC message.
pub(crate) fn context_of<T>(request: &tonic::Request<T>) -> RequestContext {
    request
        .extensions()
        .get::<RequestContext>()
        .expect("every server is wrapped in the layers that provide the context")
        .clone()
}
