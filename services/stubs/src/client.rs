//! A caller's side of a call: which instance gets it, and what travels with it.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use ragdoll_model::InstanceId;
use ragdoll_runtime::random::hash;
use ragdoll_runtime::{BoxFuture, BoxService, Refusal, Request, Response, is_grpc};
use ragdoll_telemetry::{KeyValue, RequestContext};
use tonic::Code;
use tower::Service;

/// Attributes that a caller adds to the client span of its call: an extension of the request.
#[derive(Clone, Debug, Default)]
pub struct SpanAttributes(pub Vec<KeyValue>);

impl SpanAttributes {
    /// Puts them beside a message, where there are any.
    pub(crate) fn put(attributes: Vec<KeyValue>, extensions: &mut http::Extensions) {
        if !attributes.is_empty() {
            extensions.insert(SpanAttributes(attributes));
        }
    }
}

/// A client of one service, over those of its instances that are ready: all of them, where nobody
/// checks. The instance follows from the request's id, and a further attempt, or a hedge, goes to the
/// next one. Where the balance is skewed for a request, its first attempt goes to the first of them.
/// Where none is ready, the call fails at once.
#[derive(Clone)]
pub struct Client {
    targets: Arc<[Target]>,
    nobody: BoxService,
}

struct Target {
    service: BoxService,
    is_ready: AtomicBool,
}

impl Client {
    /// A client of these instances; at least one.
    pub fn new(targets: Vec<(InstanceId, BoxService)>) -> Self {
        assert!(!targets.is_empty(), "a client needs an instance to call");
        let targets = targets.into_iter().map(|(_, service)| Target {
            service,
            is_ready: AtomicBool::new(true),
        });
        Client {
            targets: targets.collect(),
            nobody: nobody(),
        }
    }

    /// The same client, with `nobody` called where no instance is ready.
    #[must_use]
    pub fn otherwise(self, nobody: BoxService) -> Self {
        Client { nobody, ..self }
    }

    /// Takes the instance at this position, in the order in which the client was given them, out of
    /// rotation, or puts it back. Calls in progress go on.
    pub fn set_ready(&self, position: usize, is_ready: bool) {
        let target = &self.targets[position];
        target.is_ready.store(is_ready, Ordering::Relaxed);
    }

    fn choose(&self, request: &Request) -> &BoxService {
        let is_ready = |target: &&Target| target.is_ready.load(Ordering::Relaxed);
        let mut ready = self.targets.iter().filter(is_ready);
        let count = ready.clone().count();
        let chosen = if count < 2 {
            ready.next()
        } else {
            let context = request.extensions().get::<RequestContext>();
            let context = context.expect("every call carries its request's context");
            ready.nth(position(context, count))
        };
        chosen.map_or(&self.nobody, |target| &target.service)
    }
}

/// Which of `count` instances gets a call.
fn position(context: &RequestContext, count: usize) -> usize {
    let count = count as u64;
    let overrides = context.overrides.as_deref();
    let is_skewed = overrides.is_some_and(|overrides| overrides.balance_skew == Some(true));
    let first = match is_skewed {
        true => 0,
        false => hash(&context.request_id) % count,
    };
    let further = u64::from(context.previous_attempts) + u64::from(context.hedge);
    ((first + further) % count) as usize
}

/// What answers where no instance is ready: UNAVAILABLE, HTTP 503.
pub fn nobody() -> BoxService {
    BoxService::new(tower::service_fn(async |request: Request| {
        let refusal = Refusal::new(Code::Unavailable, "no healthy upstream");
        Ok(refusal.response(is_grpc(request.headers())))
    }))
}

impl Service<Request> for Client {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.choose(&request).clone().call(request)
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

    /// A client of three instances, each of which answers with a status of its own: 200, 201, 202.
    fn three() -> Client {
        let targets = (0..3).map(|number| {
            let answer = tower::service_fn(move |_| async move {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = http::StatusCode::from_u16(200 + number).expect("sound");
                Ok::<_, Infallible>(response)
            });
            let id = InstanceId::new(Role::RERANKER, u32::from(number));
            (id, BoxService::new(answer))
        });
        Client::new(targets.collect())
    }

    /// How many of 300 requests each instance gets, and how many nobody.
    fn spread(client: &Client) -> [u32; 4] {
        ragdoll_runtime::run_virtual(|_| {
            let mut client = client.clone();
            async move {
                let mut counts = [0; 4];
                for number in 0..300 {
                    let mut request = Request::new(Body::empty());
                    let context = RequestContext::new(number.to_string(), "user-1");
                    request.extensions_mut().insert(context);
                    let Ok(response) = client.call(request).await;
                    let status = usize::from(response.status().as_u16());
                    counts[if status == 503 { 3 } else { status - 200 }] += 1;
                }
                counts
            }
        })
    }

    #[test]
    fn requests_are_spread_unless_the_balance_is_skewed_and_attempts_go_on_from_there() {
        let counts = spread(&three());
        assert!(counts[..3].iter().all(|&count| count > 60), "{counts:?}");
        for number in 0..30 {
            let mut context = RequestContext::new(number.to_string(), "user-1");
            let skewed = Overrides {
                balance_skew: Some(true),
                ..Overrides::default()
            };
            context.overrides = Some(Arc::new(skewed));
            assert_eq!(position(&context, 3), 0);
            assert_eq!(position(&context.attempt(7, 1, false), 3), 1);
        }
    }

    #[test]
    fn only_instances_that_are_ready_are_called() {
        let client = three();
        let healthy = spread(&client);
        client.set_ready(1, false);
        let [first, second, third, failed] = spread(&client);
        assert!(first > 100 && third > 100, "{first} and {third}");
        assert_eq!((second, failed), (0, 0));
        client.set_ready(0, false);
        assert_eq!(spread(&client), [0, 0, 300, 0]);
        client.set_ready(2, false);
        assert_eq!(spread(&client), [0, 0, 0, 300]);
        (0..3).for_each(|position| client.set_ready(position, true));
        assert_eq!(spread(&client), healthy);
    }
}
