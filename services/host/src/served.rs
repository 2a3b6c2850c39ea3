//! The server's side of a call: its span, and the request's context from the headers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxService};
use ragdoll_stubs::SpanAttributes;
use ragdoll_telemetry::names::{HTTP_ROUTE, REQUEST_ID, USER_ID};
use ragdoll_telemetry::{KeyValue, RequestContext, SpanGuard, SpanKind};
use tower::Service as _;

use crate::operation::{Operation, is_streamed};

/// Puts the server span around what `inner` does for a request, and the request's context beside it.
pub(crate) fn served(instance: &Arc<Instance>, inner: BoxService) -> BoxService {
    let instance = instance.clone();
    BoxService::of(move |mut request| {
        let operation = Operation::of(&request);
        let mut caller = RequestContext::extract(request.headers(), instance.clock.now_us());
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
        let mut span =
            instance
                .telemetry
                .start(operation.name(), SpanKind::Server, &caller.span, attributes);
        if is_nameless {
            caller.request_id = span.context().trace_id().to_string().into();
            span.set(REQUEST_ID, caller.request_id.clone());
        }
        request
            .extensions_mut()
            .insert(caller.within(span.context()));
        let mut inner = inner.clone();
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
    })
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
