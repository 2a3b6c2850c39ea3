//! Whether anybody is there: a process that is down refuses connections, one that dies cuts them,
//! and one that stands still lets nothing in or out.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use http_body::Frame;
use ragdoll_fault_layers::Power;
use ragdoll_resources::{Descriptors, Instance};
use ragdoll_runtime::{Body, BoxFuture, BoxService, Response, is_grpc};
use tonic::{Code, Status};
use tower::Service as _;

use crate::operation::{is_streamed, refusal};
use crate::readiness::{READINESS_PATH, readiness};

/// The way to an instance's process for faults that befall it as a whole.
pub(crate) struct OwnPower(pub(crate) Arc<Instance>);

impl Power for OwnPower {
    fn crash(&self, down_us: u64) {
        self.0.crash(down_us);
    }

    fn freeze(&self) {
        self.0.process.freeze();
    }

    fn thaw(&self) {
        self.0.process.thaw();
    }

    fn paused(&self, paused_us: u64) {
        self.0.paused(paused_us);
    }
}

/// Lets requests through to `inner` while the instance's process is there.
pub(crate) fn alive(instance: &Arc<Instance>, inner: BoxService) -> BoxService {
    let (instance, descriptors) = (instance.clone(), Descriptors::new(instance));
    BoxService::of(move |request| {
        let is_grpc = is_grpc(request.headers());
        if !instance.process.is_up() || descriptors.accept().is_err() {
            let refusal = refusal(is_grpc, Code::Unavailable, "connection refused");
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let (instance, mut inner) = (instance.clone(), inner.clone());
        Box::pin(async move {
            let life = instance.process.deaths();
            // Not called before the process goes on: a call begins the server span.
            let work = async {
                let answer: BoxFuture = match request.uri().path() {
                    READINESS_PATH => Box::pin(std::future::ready(Ok(readiness(&instance)))),
                    _ => inner.call(request),
                };
                Work::new(answer, &instance).await
            };
            match instance.process.or_death(work).await {
                Some(Ok(response)) if is_streamed(&response) => {
                    Ok(response.map(|body| Body::new(MortalBody::new(body, instance, life))))
                }
                Some(answer) => answer,
                None => Ok(refusal(is_grpc, Code::Unavailable, "connection reset")),
            }
        })
    })
}

/// What a process does for one request. A process that stands still cannot notice that the caller
/// went away, and gives the work up when it goes on.
struct Work {
    answer: Option<BoxFuture>,
    instance: Arc<Instance>,
    owner: Arc<Owner>,
}

/// Whose task is to hear what the work waits for. The work may change hands without being polled,
/// and virtual time counts on every timer that fires waking somebody: were it the caller's task,
/// which is gone by then, nothing would ever happen again.
#[derive(Default)]
struct Owner {
    task: Mutex<Option<Waker>>,
}

impl Owner {
    fn be(&self, task: &Waker) {
        let mut known = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *known {
            Some(known) => known.clone_from(task),
            None => *known = Some(task.clone()),
        }
    }
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        // The lock is free again: waking may run code that comes back here.
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Work {
    fn new(answer: BoxFuture, instance: &Arc<Instance>) -> Self {
        Work {
            answer: Some(answer),
            instance: instance.clone(),
            owner: Arc::default(),
        }
    }
}

impl Future for Work {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.owner.be(context.waker());
        let waker = Waker::from(self.owner.clone());
        let answer = self.answer.as_mut();
        let answer = answer.expect("nobody polls a future that is done");
        let mut hearing = Context::from_waker(&waker);
        let done = std::task::ready!(answer.as_mut().poll(&mut hearing));
        self.answer = None;
        Poll::Ready(done)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let Some(answer) = self.answer.take() else {
            return;
        };
        if self.instance.process.is_frozen()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (instance, owner) = (self.instance.clone(), self.owner.clone());
            runtime.spawn(async move {
                let mut thawed = pin!(instance.process.thawed());
                poll_fn(|context| {
                    owner.be(context.waker());
                    thawed.as_mut().poll(context)
                })
                .await;
                drop(answer);
            });
        }
    }
}

/// A body that is written while its process lives: a death cuts it, and its reader can tell that
/// from its end. While the process stands still, so does the body.
struct MortalBody {
    body: Option<Body>,
    instance: Arc<Instance>,
    /// Deaths of the process before the life that the body belongs to.
    life: u64,
    death: Wait,
    /// Present while the process stands still.
    thaw: Option<Wait>,
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

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
            thaw: None,
        }
    }

    fn poll_thawed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.thaw.is_none() && self.instance.process.is_frozen() {
            let frozen = self.instance.clone();
            self.thaw = Some(Box::pin(async move { frozen.process.thawed().await }));
        }
        if let Some(thaw) = &mut self.thaw {
            std::task::ready!(thaw.as_mut().poll(context));
            self.thaw = None;
        }
        Poll::Ready(())
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
        if self.body.is_none() {
            return Poll::Ready(None);
        }
        if is_alive {
            let frame = match (self.poll_thawed(context), &mut self.body) {
                (Poll::Ready(()), Some(body)) => Pin::new(body).poll_frame(context),
                _ => Poll::Pending,
            };
            if frame.is_ready() || self.death.as_mut().poll(context).is_pending() {
                return frame;
            }
        }
        self.body = None;
        Poll::Ready(Some(Err(Status::unavailable("connection reset"))))
    }
}
