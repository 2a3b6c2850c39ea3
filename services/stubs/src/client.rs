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
/// and a further attempt, or a hedge, goes to the next one. Where the balance is skewed for a request,
/// its first attempt goes to the first of them.
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

    fn position(&self, context: &RequestContext) -> usize {
        let count = self.targets.len() as u64;
        let overrides = context.overrides.as_deref();
        let is_skewed = overrides.is_some_and(|overrides| overrides.balance_skew == Some(true));
        let first = match is_skewed {
            true => 0,
            false => hash(&context.request_id) % count,
        };
        let further = u64::from(context.previous_attempts) + u64::from(context.hedge);
        ((first + further) % count) as usize
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
            let context = context.expect("every call carries its request's context");
            &self.targets[self.position(context)].1
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

#[cfg(test)]
mod tests {
    use ragdoll_model::Service as Role;
    use ragdoll_runtime::{Body, Overrides};

    use super::*;

    /// Which of three instances gets a call in this context.
    fn instance_for(context: &RequestContext) -> usize {
        let targets = (0..3).map(|number| {
            let answer = tower::service_fn(move |_| async move {
                Ok::<_, Infallible>(Response::new(Body::empty()))
            });
            (InstanceId::new(Role::Reranker, number), BoxService::new(answer))
        });
        let client = Client::new(targets.collect());
        client.position(context)
    }

    #[test]
    fn requests_are_spread_unless_the_balance_is_skewed_and_attempts_go_on_from_there() {
        let mut counts = [0; 3];
        for number in 0..300 {
            let mut context = RequestContext::new(number.to_string(), "user-1");
            counts[instance_for(&context)] += 1;
            let skewed = Overrides {
                balance_skew: Some(true),
                ..Overrides::default()
            };
            context.overrides = Some(Arc::new(skewed));
            assert_eq!(instance_for(&context), 0);
            assert_eq!(instance_for(&context.attempt(7, 1, false)), 1);
        }
        assert!(counts.iter().all(|&count| count > 60), "{counts:?}");
    }
}
