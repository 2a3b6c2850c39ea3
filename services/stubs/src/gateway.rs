//! Gateway: the HTTP edge, and the request path behind it.

mod callees;
mod remembered;

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use ragdoll_model::api::{
    ChatRequest, ChatResponse, Context, Message, QueryRequest, QueryResponse, Timing,
};
use ragdoll_model::proto::embedder_client::EmbedderClient;
use ragdoll_model::proto::metadata_client::MetadataClient;
use ragdoll_model::proto::reranker_client::RerankerClient;
use ragdoll_model::proto::vector_db_client::VectorDbClient;
use ragdoll_model::proto::{
    EmbedRequest, Hits, LookupRequest, RerankRequest, SearchRequest, SearchResponse,
};
use ragdoll_model::topology;
use ragdoll_resources::{Attempt, Instance, Pool, Workers};
use ragdoll_runtime::random::ms_to_us;
use ragdoll_runtime::{Body, Clock};
use ragdoll_telemetry::names::{BAGGAGE_DOCUMENT_BYTES, DOCUMENTS_COUNT, DOCUMENTS_SIZE, TOP_K};
use ragdoll_telemetry::{KeyValue, RequestContext, log};
use tonic::{Code, Status};
use tower::Service as _;

use self::callees::Callees;
use self::remembered::{ANSWERS, Remembered, SCOPES, VECTORS};
use crate::call_span::CallSpan;
use crate::client::{Client, SpanAttributes, grpc_request};
use crate::completion::assemble;
use crate::http_error::{CONTEXT_LENGTH_EXCEEDED, HttpError};
use crate::json_body::JsonBody;

/// Contexts a query may ask for; more would be a mistake or an attack.
const MOST_CONTEXTS: u32 = 1000;

/// The services behind the gateway.
#[derive(Clone)]
pub struct Downstream {
    /// Metadata store.
    pub metadata: Client,
    /// Embedder.
    pub embedder: Client,
    /// Coordinator of the vector database.
    pub vector_db: Client,
    /// Reranker.
    pub reranker: Client,
    /// Inference engine.
    pub llm: Client,
}

struct Gateway {
    instance: Arc<Instance>,
    spec: topology::Gateway,
    model: String,
    workers: Arc<Workers>,
    metadata_pool: Arc<Pool>,
    downstream: Downstream,
    callees: Callees,
    scopes: Remembered<String>,
    vectors: Remembered<Bytes>,
    answers: Remembered<QueryResponse>,
}

/// The gateway's HTTP routes; `model` is what it asks the LLM for.
pub fn router(
    instance: &Arc<Instance>,
    spec: &topology::Gateway,
    model: &str,
    downstream: Downstream,
) -> Router {
    let gateway = Arc::new(Gateway {
        instance: instance.clone(),
        workers: Workers::with_shedding(instance, spec.workers, spec.queue_bound, spec.shedding),
        metadata_pool: Pool::new(
            instance,
            "metadata",
            spec.metadata_pool_size,
            spec.metadata_pool_timeout_ms,
        ),
        callees: Callees::new(instance, spec),
        scopes: Remembered::new(
            instance,
            SCOPES,
            spec.metadata_cache,
            spec.coalesce_metadata,
        ),
        vectors: Remembered::new(
            instance,
            VECTORS,
            spec.embedding_cache,
            spec.coalesce_embeddings,
        ),
        answers: Remembered::new(instance, ANSWERS, spec.answer_cache, false),
        spec: spec.clone(),
        model: model.to_owned(),
        downstream,
    });
    Router::new()
        .route("/v1/query", post(query))
        .route("/readyz", get(|| async { "ready" }))
        .with_state(gateway)
}

async fn query(
    State(gateway): State<Arc<Gateway>>,
    Extension(context): Extension<RequestContext>,
    JsonBody(request): JsonBody<QueryRequest>,
) -> Result<Response, HttpError> {
    if request.query.trim().is_empty() {
        return Err(HttpError::bad_request("`query` is empty: ask something"));
    }
    if !(1..=MOST_CONTEXTS).contains(&request.top_k) {
        return Err(HttpError::bad_request(format!(
            "`top_k` is {}: use 1 to {MOST_CONTEXTS}",
            request.top_k
        )));
    }
    // Boxed, since the whole path's state would otherwise be moved through every layer of the router.
    let top_k = KeyValue::new(TOP_K, i64::from(request.top_k));
    let mut noted = vec![top_k];
    let answer = Box::pin(gateway.answer(context.clone(), &request, &mut noted)).await;
    let telemetry = &gateway.instance.telemetry;
    match &answer {
        Ok(response) => log!(
            info,
            telemetry,
            context,
            "query answered",
            contexts = response.contexts.len() as u64,
            total_ms = response.timing.total_ms,
        ),
        Err(status) => log!(
            warn,
            telemetry,
            context,
            "query failed",
            status = code_name(status.code()),
            reason = status.message(),
        ),
    }
    let mut response = match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(status) => HttpError::from(status).into_response(),
    };
    response.extensions_mut().insert(SpanAttributes(noted));
    Ok(response)
}

impl Gateway {
    /// An answer within the deadline, whatever the request waits for. What its span should say is
    /// added to `noted`.
    async fn answer(
        &self,
        mut context: RequestContext,
        request: &QueryRequest,
        noted: &mut Vec<KeyValue>,
    ) -> Result<QueryResponse, Status> {
        let clock = &self.instance.clock;
        let arrived_us = clock.now_us();
        let own_deadline_us = arrived_us.saturating_add(ms_to_us(self.spec.deadline_ms));
        let deadline_us = context.deadline_us.unwrap_or(u64::MAX).min(own_deadline_us);
        context.deadline_us = Some(deadline_us);
        let limit_us = deadline_us.saturating_sub(arrived_us);
        let answer = clock.timeout_us(limit_us, self.follow_path(context, request, noted));
        let late = |_| Err(Status::deadline_exceeded("deadline exceeded"));
        answer.await.unwrap_or_else(late)
    }

    /// The request path.
    async fn follow_path(
        &self,
        context: RequestContext,
        request: &QueryRequest,
        noted: &mut Vec<KeyValue>,
    ) -> Result<QueryResponse, Status> {
        let clock = &self.instance.clock;
        let arrived_us = clock.now_us();
        let mut steps = Steps {
            gateway: self,
            last_us: arrived_us,
        };

        let _worker = self.workers.acquire(&context).await?;
        let work_us = self
            .workers
            .service_time_us(&context, &self.spec.service_time);
        self.instance.work_us(work_us).await;
        steps.take_ms();

        let collection = self.scope(&context, &request.user, noted).await?;
        let metadata_ms = steps.take_ms();
        let answer_key = format!("{collection}\n{}\n{}", request.top_k, request.query);
        if let Some(mut answer) = self.answers.get(&context, &answer_key, noted) {
            answer.timing = Timing {
                metadata_ms,
                total_ms: (clock.now_us() - arrived_us) as f64 / 1000.0,
                ..Timing::default()
            };
            return Ok(answer);
        }
        let vector = self.embed(&context, &request.query, noted).await?;
        let embedding_ms = steps.take_ms();
        let found = self
            .retrieve(&context, &vector, collection, request.top_k)
            .await?;
        let retrieval_ms = steps.take_ms();
        let shards_answered = found.shards_answered.clone();
        let shards_queried = found.shards_queried;
        let contexts = self.rerank(&context, request, vector, found).await?;
        let rerank_ms = steps.take_ms();
        let completion = self.generate(&context, request, &contexts).await?;
        let generation_ms = steps.take_ms();

        let timing = Timing {
            metadata_ms,
            embedding_ms,
            retrieval_ms,
            rerank_ms,
            generation_ms,
            time_to_first_token_ms: completion.timing.time_to_first_token_ms,
            total_ms: (clock.now_us() - arrived_us) as f64 / 1000.0,
        };
        let answer = completion.choices.into_iter().next();
        let response = QueryResponse {
            answer: answer
                .map(|choice| choice.message.content)
                .unwrap_or_default(),
            contexts: contexts
                .iter()
                .map(|hit| Context {
                    document: hit.document,
                    score: hit.score,
                })
                .collect(),
            usage: completion.usage,
            timing,
            shards_answered,
            shards_queried,
        };
        self.answers.put(&context, &answer_key, &response);
        Ok(response)
    }

    async fn scope(
        &self,
        context: &RequestContext,
        user: &str,
        noted: &mut Vec<KeyValue>,
    ) -> Result<String, Status> {
        let attempt = |attempt: Attempt| {
            let mut client = MetadataClient::new(self.downstream.metadata.clone());
            let message = LookupRequest {
                user: user.to_owned(),
            };
            let request = grpc_request(attempt.context(context), message);
            async move { Ok(client.lookup(request).await?.into_inner().collection) }
        };
        let look_up = || async {
            let _connection = self.metadata_pool.acquire(context).await?;
            self.callees.metadata.call(context, attempt).await
        };
        self.scopes.get_or(context, user, noted, look_up).await
    }

    async fn embed(
        &self,
        context: &RequestContext,
        text: &str,
        noted: &mut Vec<KeyValue>,
    ) -> Result<Bytes, Status> {
        let attempt = |attempt: Attempt| {
            let mut client = EmbedderClient::new(self.downstream.embedder.clone());
            let message = EmbedRequest {
                text: text.to_owned(),
            };
            let request = grpc_request(attempt.context(context), message);
            async move { Ok(client.embed(request).await?.into_inner().vector) }
        };
        let embed = || self.callees.embedder.call(context, attempt);
        self.vectors.get_or(context, text, noted, embed).await
    }

    async fn retrieve(
        &self,
        context: &RequestContext,
        vector: &Bytes,
        collection: String,
        top_k: u32,
    ) -> Result<SearchResponse, Status> {
        let message = SearchRequest {
            vector: vector.clone(),
            limit: self.spec.candidates.max(top_k),
            collection,
        };
        let callee = &self.callees.vector_db;
        callee
            .call(context, |attempt| {
                let mut client = VectorDbClient::new(self.downstream.vector_db.clone());
                let request = grpc_request(attempt.context(context), message.clone());
                async move { Ok(client.search(request).await?.into_inner()) }
            })
            .await
    }

    async fn rerank(
        &self,
        context: &RequestContext,
        request: &QueryRequest,
        vector: Bytes,
        found: SearchResponse,
    ) -> Result<Hits, Status> {
        let candidates = found.hits.unwrap_or_default();
        let size_bytes: u64 = candidates.size_bytes.iter().sum();
        let attributes = SpanAttributes(vec![
            KeyValue::new(DOCUMENTS_COUNT, candidates.documents.len() as i64),
            KeyValue::new(DOCUMENTS_SIZE, size_bytes.cast_signed()),
        ]);
        let context = &context.with_baggage(BAGGAGE_DOCUMENT_BYTES, size_bytes);
        let message = RerankRequest {
            query: request.query.clone(),
            vector,
            candidates: Some(candidates),
            limit: request.top_k,
        };
        let callee = &self.callees.reranker;
        callee
            .call(context, |attempt| {
                let mut client = RerankerClient::new(self.downstream.reranker.clone());
                let mut request = grpc_request(attempt.context(context), message.clone());
                request.extensions_mut().insert(attributes.clone());
                async move {
                    Ok(client
                        .rerank(request)
                        .await?
                        .into_inner()
                        .hits
                        .unwrap_or_default())
                }
            })
            .await
    }

    async fn generate(
        &self,
        context: &RequestContext,
        request: &QueryRequest,
        contexts: &Hits,
    ) -> Result<ChatResponse, Status> {
        let chat = self.prompt(request, contexts);
        let callee = &self.callees.llm;
        callee
            .call(context, |attempt| {
                let context = attempt.context(context);
                complete(
                    self.downstream.llm.clone(),
                    &self.instance.clock,
                    context,
                    &chat,
                )
            })
            .await
    }

    fn prompt(&self, request: &QueryRequest, contexts: &Hits) -> ChatRequest {
        let question_tokens = request
            .prompt_tokens
            .unwrap_or_else(|| request.query.split_whitespace().count() as u32);
        let context_tokens: u32 = contexts.tokens.iter().sum();
        let documents: Vec<String> = contexts.documents.iter().map(u32::to_string).collect();
        let prompt_tokens = request
            .total_prompt_tokens
            .unwrap_or(question_tokens + context_tokens);
        ChatRequest {
            model: self.model.clone(),
            messages: vec![
                Message {
                    role: "system".to_owned(),
                    content: documents.join(" "),
                },
                Message {
                    role: "user".to_owned(),
                    content: request.query.clone(),
                },
            ],
            max_tokens: request.max_tokens.max(1),
            stream: self.spec.stream_llm,
            prompt_tokens: Some(prompt_tokens),
        }
    }
}

/// Time between the steps of a request.
struct Steps<'a> {
    gateway: &'a Gateway,
    last_us: u64,
}

impl Steps<'_> {
    fn take_ms(&mut self) -> f64 {
        let now_us = self.gateway.instance.clock.now_us();
        let step_us = now_us - std::mem::replace(&mut self.last_us, now_us);
        step_us as f64 / 1000.0
    }
}

/// Calls the LLM's HTTP interface; its failures become gRPC statuses, which the call plan knows.
async fn complete(
    mut client: Client,
    clock: &Clock,
    context: RequestContext,
    chat: &ChatRequest,
) -> Result<ChatResponse, Status> {
    let body = serde_json::to_vec(chat).map_err(|error| Status::internal(error.to_string()))?;
    let body = http_body_util::Full::from(body).map_err(|never| match never {});
    let request = http::Request::builder()
        .method(http::Method::POST)
        .uri("/v1/chat/completions")
        .header(http::header::CONTENT_TYPE, "application/json")
        .extension(context)
        .body(Body::new(body))
        .expect("a constant request is valid");
    let asked_us = clock.now_us();
    let Ok(mut response) = client.call(request).await;
    let status = response.status();
    let span = response.extensions_mut().remove::<CallSpan>();
    if chat.stream && status == StatusCode::OK {
        let body = response.into_body();
        return assemble(clock, asked_us, chat, body, span.as_ref()).await;
    }
    let body = response.into_body().collect().await?.to_bytes();
    if is_too_long(status, &body) {
        let message = format!("the model refuses the prompt: {}", error_message(&body));
        return Err(Status::out_of_range(message));
    }
    if status != StatusCode::OK {
        let message = format!("llm answered {status}: {}", String::from_utf8_lossy(&body));
        return Err(Status::new(code_of(status), message));
    }
    serde_json::from_slice(&body).map_err(|error| {
        if let Some(span) = &span {
            span.fail("invalid_response", error.to_string());
        }
        Status::internal(format!("llm's answer is not a completion: {error}"))
    })
}

/// Whether the model refused a prompt for its length: a fault of who made the prompt and of nobody who
/// asked.
fn is_too_long(status: StatusCode, body: &[u8]) -> bool {
    let code = || -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(body).ok()?;
        Some(body["error"]["code"].as_str()?.to_owned())
    };
    status == StatusCode::BAD_REQUEST && code().is_some_and(|code| code == CONTEXT_LENGTH_EXCEEDED)
}

/// What an answer of an OpenAI-style server says went wrong; the whole of it where it has another form.
fn error_message(body: &[u8]) -> String {
    let parsed = serde_json::from_slice(body).unwrap_or(serde_json::Value::Null);
    let message = parsed["error"]["message"].as_str();
    message.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}

fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::GATEWAY_TIMEOUT => Code::DeadlineExceeded,
        status if status.is_client_error() => Code::InvalidArgument,
        _ => Code::Internal,
    }
}

/// The name of a gRPC status in the form that telemetry uses.
fn code_name(code: Code) -> &'static str {
    ragdoll_telemetry::names::grpc_code_name(code as i32)
}
