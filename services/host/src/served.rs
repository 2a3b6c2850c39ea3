//! The server's side of a call: its span, and the request's context from the headers.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxFuture, BoxService, Request, Response};
use ragdoll_stubs::SpanAttributes;
use ragdoll_telemetry::names::{HTTP_ROUTE, REQUEST_ID, USER_ID};
use ragdoll_telemetry::{KeyValue, RequestContext, SpanGuard, SpanKind};
use tower::{Layer, Service};

use crate::operation::{Operation, is_streamed};

#[derive(Clone)]
pub(crate) struct ServedLayer {
    instance: Arc<Instance>,
}

impl ServedLayer {
    pub(crate) fn new(instance: &Arc<Instance>) -> Self {
        ServedLayer {
            instance: instance.clone(),
        }
    }
}

impl Layer<BoxService> for ServedLayer {
    type Service = Served;

    fn layer(&self, inner: BoxService) -> Served {
        Served {
            instance: self.instance.clone(),
            inner,
        }
    }
}

#[derive(Clone)]
pub(crate) struct Served {
    instance: Arc<Instance>,
    inner: BoxService,
}

impl Service<Request> for Served {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let operation = Operation::of(&request);
        let mut caller = RequestContext::extract(request.headers(), self.instance.clock.now_us());
        // Nobody gave this request a name: its trace, which begins here, gives it one, so that no two
        // strangers draw alike.
        let is_nameless =
            !caller.span.is_valid() && !request.headers().contains_key("x-request-id");
        let mut attributes = operation.attributes(HTTP_ROUTE);
        if !operation.is_grpc() {
            if !is_nameless {
                attributes.push(KeyValue::new(REQUEST_ID, caller.request_id.clone()));
            }
            attributes.push(KeyValue::new(USER_ID, caller.user_id.clone()));
        }
        let mut span = self.instance.telemetry.start(
            operation.name(),
            SpanKind::Server,
            &caller.span,
            attributes,
        );
        if is_nameless {
            caller.request_id = span.context().trace_id().to_string().into();
            span.set(REQUEST_ID, caller.request_id.clone());
        }
        request
            .extensions_mut()
            .insert(caller.within(span.context()));
        let mut inner = self.inner.clone();
        Box::pin(async move {
            let mut response = inner.call(request).await?;
            let added = response.extensions_mut().remove::<SpanAttributes>();
            for attribute in added.into_iter().flat_map(|added| added.0) {
                span.add(attribute);
            }
            operation.conclude(&mut span, &response, false);
            if is_streamed(&response) {
                return Ok(response.map(|body| Body::new(SpannedBody::new(body, span))));
            }
            span.end();
            Ok(response)
        })
    }
}

/// A body whose end is the end of a span; where the reader goes away first, the span is cancelled.
struct SpannedBody {
    body: Body,
    span: Option<SpanGuard>,
}

impl SpannedBody {
    fn new(body: Body, span: SpanGuard) -> Self {
        SpannedBody {
            body,
            span: Some(span),
        }
    }
}

impl http_body::Body for SpannedBody {
    type Data = bytes::Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none()
            && let Some(span) = self.span.take()
        {
            span.end();
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
