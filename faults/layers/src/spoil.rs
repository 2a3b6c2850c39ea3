//! Answers that do not arrive as they were sent.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, Full};
use ragdoll_runtime::{Body, Clock, Response};
use tonic::Status;

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spoil {
    /// Its bytes mean nothing; its length and its headers stay.
    Garble,
    /// Only the first bytes of its body arrive, and it ends as if it were whole.
    Truncate {
        /// Share of the bytes that arrive, from 0 to below 1.
        keep: f64,
    },
    /// The connection breaks once this many pieces of the body have passed; of a body in one piece,
    /// in the middle of it.
    Break {
        /// Pieces that pass.
        after: u32,
    },
    /// Nothing comes for a while once this many pieces of the body have passed.
    Stall {
        /// Pieces that pass before.
        after: u32,
        /// For how long.
        stall_us: u64,
    },
}

impl Spoil {
    /// Spoils an answer. Errors keep as they are: there is nothing in them to spoil.
    pub(crate) async fn apply(self, response: Response, clock: &Clock) -> Response {
        match self {
            Spoil::Garble => {
                whole(response, |bytes| {
                    let garbled: Vec<u8> = bytes.iter().map(|byte| byte ^ 0xa5).collect();
                    garbled.into()
                })
                .await
            }
            Spoil::Truncate { keep } => {
                whole(response, |bytes| {
                    let kept = (bytes.len() as f64 * keep) as usize;
                    bytes.slice(..kept.min(bytes.len()))
                })
                .await
            }
            Spoil::Break { after } => pieces(response, clock, after, None),
            Spoil::Stall { after, stall_us } => pieces(response, clock, after, Some(stall_us)),
        }
    }
}

/// Changes the bytes of a whole body, and keeps what follows them. A gRPC message keeps the five
/// bytes in front of it, which say how long it is: they belong to the frame and not to what it holds.
async fn whole(response: Response, change: impl FnOnce(Bytes) -> Bytes) -> Response {
    const GRPC_PREFIX_BYTES: usize = 5;
    let is_grpc = ragdoll_runtime::is_grpc(response.headers());
    let (mut parts, body) = response.into_parts();
    let Ok(collected) = body.collect().await else {
        let broken = Broken::new(Some(Body::empty()), 0);
        return Response::from_parts(parts, Body::new(broken));
    };
    let trailers = collected.trailers().cloned();
    let bytes = collected.to_bytes();
    let bytes = if is_grpc && bytes.len() >= GRPC_PREFIX_BYTES {
        let message = change(bytes.slice(GRPC_PREFIX_BYTES..));
        let mut framed = bytes[..GRPC_PREFIX_BYTES].to_vec();
        framed.extend_from_slice(&message);
        framed.into()
    } else {
        change(bytes)
    };
    parts.headers.remove(http::header::CONTENT_LENGTH);
    let body = Full::new(bytes).map_err(|never| match never {});
    let trailers = std::future::ready(trailers.map(Ok));
    Response::from_parts(parts, Body::new(body.with_trailers(trailers)))
}

fn pieces(response: Response, clock: &Clock, after: u32, stall_us: Option<u64>) -> Response {
    let clock = clock.clone();
    response.map(|body| match stall_us {
        None => Body::new(Broken::new(Some(body), after)),
        Some(stall_us) => Body::new(Stalled {
            body,
            left: after,
            stall: Some(Box::pin(async move { clock.sleep_us(stall_us).await })),
            held: VecDeque::new(),
            is_over: false,
        }),
    })
}

/// A body whose connection breaks.
struct Broken {
    body: Option<Body>,
    left: u32,
}

impl Broken {
    fn new(body: Option<Body>, left: u32) -> Self {
        Broken { body, left }
    }
}

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.left > 0
            && let Some(body) = &mut self.body
        {
            let frame = ready!(Pin::new(body).poll_frame(context));
            match frame {
                Some(Ok(frame)) if frame.is_data() => {
                    self.left -= 1;
                    return Poll::Ready(Some(Ok(frame)));
                }
                // What was to break came to its end before.
                Some(Ok(_)) | None => {}
                Some(Err(error)) => {
                    self.left = 0;
                    self.body = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        if self.body.take().is_none() {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Err(Status::unavailable("connection reset"))))
    }
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Pieces that the network holds of a body that stands still; its sender waits where there are more.
const MOST_HELD: usize = 4096;

/// A body that stands still once. What is sent meanwhile is on its way, and comes afterwards.
struct Stalled {
    body: Body,
    left: u32,
    stall: Option<Wait>,
    held: VecDeque<Result<Frame<Bytes>, Status>>,
    is_over: bool,
}

impl Stalled {
    fn hold_what_comes(&mut self, context: &mut Context<'_>) {
        while !self.is_over && self.held.len() < MOST_HELD {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(frame)) => self.held.push_back(frame),
                Poll::Ready(None) => self.is_over = true,
                Poll::Pending => return,
            }
        }
    }
}

impl http_body::Body for Stalled {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.left == 0
            && let Some(stall) = &mut self.stall
        {
            if stall.as_mut().poll(context).is_pending() {
                self.hold_what_comes(context);
                return Poll::Pending;
            }
            self.stall = None;
        }
        if let Some(frame) = self.held.pop_front() {
            return Poll::Ready(Some(frame));
        }
        if self.is_over {
            return Poll::Ready(None);
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.left = self.left.saturating_sub(1);
        Poll::Ready(frame)
    }
}
