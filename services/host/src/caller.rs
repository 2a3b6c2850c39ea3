//! The caller's side of a call: its span, the headers, and the deadline.

use std::sync::Arc;

use ragdoll_model::{InstanceId, Service as Role};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxService, Clock, Response};
use ragdoll_stubs::{CallSpan, SpanAttributes};
use ragdoll_telemetry::names::{
    HTTP_RESEND_COUNT, REQUEST_ID, RPC_HEDGE, RPC_RETRY_ATTEMPT, SERVER_ADDRESS, SERVER_INSTANCE,
    URL_PATH, USER_ID,
};
use ragdoll_telemetry::{KeyValue, RequestContext, SpanGuard, SpanKind};
use tonic::Code;
use tower::Service as _;

use crate::answer::{AnswerBody, Form};
use crate::operation::{Operation, is_streamed, refusal};

struct Edge {
    caller: Arc<Instance>,
    callee: Role,
    /// Absent where none is ready.
    instance: Option<InstanceId>,
}

/// Puts the client span around a call over `wire`, with the deadline.
pub(crate) fn caller(caller: &Arc<Instance>, callee: &InstanceId, wire: BoxService) -> BoxService {
    let edge = Edge {
        caller: caller.clone(),
        callee: callee.service(),
        instance: Some(callee.clone()),
    };
    over(edge, wire)
}

/// The same for a call that comes to `nobody`, since no instance is ready.
pub(crate) fn caller_of_nobody(
    caller: &Arc<Instance>,
    callee: Role,
    nobody: BoxService,
) -> BoxService {
    let edge = Edge {
        caller: caller.clone(),
        callee,
        instance: None,
    };
    over(edge, nobody)
}

fn over(edge: Edge, wire: BoxService) -> BoxService {
    BoxService::of(move |mut request| {
        let operation = Operation::of(&request);
        let Some(mut context) = request.extensions_mut().remove::<RequestContext>() else {
            panic!("a call of {} carries no context", operation.name());
        };
        let added = request.extensions_mut().remove::<SpanAttributes>();
        let mut attributes = edge.attributes(&operation, &context);
        attributes.extend(added.into_iter().flat_map(|added| added.0));
        let caller = edge.caller.clone();
        let mut span = caller.telemetry.start(
            operation.name(),
            SpanKind::Client,
            &context.span,
            attributes,
        );
        context = context.within(span.context());
        let now_us = caller.clock.now_us();
        context.inject(request.headers_mut(), now_us);
        request.extensions_mut().insert(context.draw_key());
        let deadline_us = context.deadline_us;
        let mut wire = wire.clone();
        Box::pin(async move {
            let answer = match deadline_us {
                None => Ok(wire.call(request).await),
                Some(deadline_us) => {
                    let limit_us = deadline_us.saturating_sub(now_us);
                    caller.clock.timeout_us(limit_us, wire.call(request)).await
                }
            };
            let response = match answer {
                Ok(response) => response?,
                Err(_) => refusal(
                    operation.is_grpc(),
                    Code::DeadlineExceeded,
                    "deadline exceeded",
                ),
            };
            if operation.conclude(&mut span, &response, true) {
                span.end();
                return Ok(response);
            }
            Ok(read_by_caller(response, span, &operation, &caller.clock))
        })
    })
}

/// An answer whose call is over when it was read.
fn read_by_caller(
    mut response: Response,
    span: SpanGuard,
    operation: &Operation,
    clock: &Clock,
) -> Response {
    let span = CallSpan::new(span);
    let form = match operation {
        Operation::Grpc { .. } => Form::Message,
        Operation::Http { .. } if is_streamed(&response) => Form::Stream,
        Operation::Http { .. } => Form::Whole,
    };
    if !operation.is_grpc() {
        response.extensions_mut().insert(span.clone());
    }
    response.map(|body| Body::new(AnswerBody::new(body, clock.clone(), form, span)))
}

impl Edge {
    fn attributes(&self, operation: &Operation, context: &RequestContext) -> Vec<KeyValue> {
        let mut attributes = operation.attributes(URL_PATH);
        attributes.push(KeyValue::new(SERVER_ADDRESS, self.callee.name()));
        if let Some(instance) = &self.instance {
            attributes.push(KeyValue::new(SERVER_INSTANCE, instance.shared_name()));
        }
        let attempts = i64::from(context.previous_attempts);
        if context.hedge {
            attributes.push(KeyValue::new(RPC_HEDGE, true));
        } else if attempts > 0 {
            let key = if operation.is_grpc() {
                RPC_RETRY_ATTEMPT
            } else {
                HTTP_RESEND_COUNT
            };
            attributes.push(KeyValue::new(key, attempts));
        }
        if self.caller.id.service() == Role::CLIENT {
            attributes.extend([
                KeyValue::new(REQUEST_ID, context.request_id.clone()),
                KeyValue::new(USER_ID, context.user_id.clone()),
            ]);
        }
        attributes
    }
}
