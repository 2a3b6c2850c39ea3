//! Whether anybody is there: a process that is down refuses connections, one that dies cuts them.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxFuture, BoxService, Request, Response};
use tonic::{Code, Status};
use tower::{Layer, Service};

use crate::operation::{is_grpc, is_streamed, refusal};

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
            let life = instance.process.deaths();
            match instance.process.or_death(inner.call(request)).await {
                Some(Ok(response)) if is_streamed(&response) => {
                    Ok(response.map(|body| Body::new(MortalBody::new(body, instance, life))))
                }
                Some(answer) => answer,
                None => Ok(refusal(is_grpc, Code::Unavailable, "connection reset")),
            }
        })
    }
}

/// A body that is written while its process lives: a death cuts it, and its reader can tell that
/// from its end.
struct MortalBody {
    body: Option<Body>,
    instance: Arc<Instance>,
    /// Deaths of the process before the life that the body belongs to.
    life: u64,
    death: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl MortalBody {
    fn new(body: Body, instance: Arc<Instance>, life: u64) -> Self {
        let mortal = instance.clone();
        MortalBody {
            body: Some(body),
            instance,
            life,
            death: Box::pin(async move {
                mortal.process.or_death(std::future::pending::<()>()).await;
            }),
        }
    }
}

impl http_body::Body for MortalBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let is_alive = self.instance.process.deaths() == self.life;
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        if is_alive {
            let frame = Pin::new(body).poll_frame(context);
            if frame.is_ready() || self.death.as_mut().poll(context).is_pending() {
                return frame;
            }
        }
        self.body = None;
        Poll::Ready(Some(Err(Status::unavailable("connection reset"))))
    }
}
