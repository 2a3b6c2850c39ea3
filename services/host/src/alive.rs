//! Whether anybody is there: a process that is down refuses connections, one that dies cuts them.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use ragdoll_resources::Instance;
use ragdoll_runtime::{BoxFuture, BoxService, Request, Response};
use tonic::Code;
use tower::{Layer, Service};

use crate::operation::{is_grpc, refusal};

#[derive(Clone)]
pub(crate) struct AliveLayer {
    instance: Arc<Instance>,
}

impl AliveLayer {
    pub(crate) fn new(instance: &Arc<Instance>) -> Self {
        AliveLayer {
            instance: instance.clone(),
        }
    }
}

impl Layer<BoxService> for AliveLayer {
    type Service = Alive;

    fn layer(&self, inner: BoxService) -> Alive {
        Alive {
            instance: self.instance.clone(),
            inner,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Alive {
    instance: Arc<Instance>,
    inner: BoxService,
}

impl Service<Request> for Alive {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let is_grpc = is_grpc(request.headers());
        if !self.instance.process.is_up() {
            let refusal = refusal(is_grpc, Code::Unavailable, "connection refused");
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let instance = self.instance.clone();
        let mut inner = self.inner.clone();
        Box::pin(async move {
            match instance.process.or_death(inner.call(request)).await {
                Some(answer) => answer,
                None => Ok(refusal(is_grpc, Code::Unavailable, "connection reset")),
            }
        })
    }
}
