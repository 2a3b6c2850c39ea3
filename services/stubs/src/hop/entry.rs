//! The service of a graph that users call: over HTTP, as they call the gateway of the RAG system.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use ragdoll_model::api::{Context, QueryRequest, QueryResponse, Timing, Usage};
use ragdoll_model::proto::Hits;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::names::grpc_code_name;
use ragdoll_telemetry::{RequestContext, log};
use tonic::Status;

use super::content::Carried;
use super::message::{Message, Served};
use super::{Hop, HopStub};
use crate::client::SpanAttributes;
use crate::http_error::HttpError;
use crate::json_body::JsonBody;

/// What the routes share.
#[derive(Clone)]
struct Entry {
    hop: Arc<Hop>,
    deadline_ms: f64,
}

/// The HTTP routes of the service that users call. It gives every request a deadline.
pub fn router(stub: &HopStub, deadline_ms: f64) -> Router {
    let entry = Entry {
        hop: stub.hop.clone(),
        deadline_ms,
    };
    Router::new()
        .route("/v1/query", post(query))
        .route("/readyz", get(|| async { "ready" }))
        .with_state(entry)
}

async fn query(
    State(entry): State<Entry>,
    Extension(context): Extension<RequestContext>,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Response, HttpError> {
    let instance = &entry.hop.instance;
    let arrived_us = instance.clock.now_us();
    let content = entry
        .hop
        .carries_content
        .then(|| Carried::of_question(&request));
    let top_k = request.top_k as usize;
    let message = Message {
        payload: Bytes::from(request.query),
        content: content.map(|carried| carried.question()),
    };
    // Boxed, since the whole path's state would otherwise be moved through every layer of the router.
    let served = Box::pin(entry.serve(context.clone(), message)).await;
    let total_ms = (instance.clock.now_us() - arrived_us) as f64 / 1000.0;
    match &served {
        Ok(_) => log!(
            info,
            instance.telemetry,
            context,
            "request answered",
            total_ms = total_ms,
        ),
        Err(status) => log!(
            warn,
            instance.telemetry,
            context,
            "request failed",
            status = grpc_code_name(status.code() as i32),
            reason = status.message(),
        ),
    }
    // What a callee said besides its status is not in it.
    let served = served.map_err(HttpError::own)?;
    let answer = answer_of(served.answer, top_k, total_ms);
    let mut response = Json(answer).into_response();
    SpanAttributes::put(served.attributes, response.extensions_mut());
    Ok(response)
}

impl Entry {
    /// Serves a request within the deadline, whatever it waits for.
    async fn serve(&self, mut context: RequestContext, message: Message) -> Result<Served, Status> {
        let clock = &self.hop.instance.clock;
        let now_us = clock.now_us();
        let own_us = now_us.saturating_add(ms_to_us(self.deadline_ms));
        let deadline_us = context.deadline_us.unwrap_or(u64::MAX).min(own_us);
        context.deadline_us = Some(deadline_us);
        let served = self.hop.serve(&context, message);
        let limit_us = deadline_us.saturating_sub(now_us);
        let late = |_| Err(Status::deadline_exceeded("deadline exceeded"));
        clock
            .timeout_us(limit_us, served)
            .await
            .unwrap_or_else(late)
    }
}

/// An answer in the form of the gateway's, with the `top_k` best documents that were found.
fn answer_of(answer: Message, top_k: usize, total_ms: f64) -> QueryResponse {
    let hits = answer.content.and_then(|content| content.hits);
    let hits = hits.iter().flat_map(Hits::iter).take(top_k);
    let contexts = hits.map(|hit| Context {
        document: hit.document,
        score: hit.score,
    });
    QueryResponse {
        answer: String::from_utf8_lossy(&answer.payload).into_owned(),
        contexts: contexts.collect(),
        usage: Usage::default(),
        timing: Timing {
            total_ms,
            ..Timing::default()
        },
        shards_answered: Vec::new(),
        shards_queried: 0,
    }
}
