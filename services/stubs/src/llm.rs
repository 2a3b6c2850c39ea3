//! LLM: an OpenAI-style HTTP interface in front of an inference engine.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use ragdoll_model::api::{ChatRequest, ChatResponse, Choice, GenerationTiming, Message, Usage};
use ragdoll_model::topology;
use ragdoll_resources::engine::Stage;
use ragdoll_resources::{Generation, Instance, ResourceError};
use ragdoll_telemetry::RequestContext;
use serde_json::json;
use tokio::sync::mpsc;

use crate::client::SpanAttributes;
use crate::generator::Generator;
use crate::http_error::HttpError;
use crate::json_body::JsonBody;

/// Most tokens that one request may ask for.
const MOST_TOKENS: u32 = 1_000_000;

struct Llm {
    instance: Arc<Instance>,
    generator: Generator,
}

/// The LLM's HTTP routes.
pub fn router(instance: &Arc<Instance>, spec: &topology::Llm) -> Router {
    let llm = Arc::new(Llm {
        instance: instance.clone(),
        generator: Generator::start(instance, spec),
    });
    Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/readyz", get(|| async { "ready" }))
        .with_state(llm)
}

async fn complete(
    State(llm): State<Arc<Llm>>,
    Extension(context): Extension<RequestContext>,
    JsonBody(request): JsonBody<ChatRequest>,
) -> Result<Response, HttpError> {
    if !(1..=MOST_TOKENS).contains(&request.max_tokens) {
        return Err(HttpError::bad_request(format!(
            "`max_tokens` is {}: use 1 to {MOST_TOKENS}",
            request.max_tokens
        )));
    }
    llm.check_length(&context, &request)?;
    if request.stream {
        return Ok(Sse::new(llm.stream(context, request)).into_response());
    }
    let prompt_tokens = prompt_tokens(&request);
    let generating = llm
        .generator
        .generate(&context, prompt_tokens, request.max_tokens, None);
    let generation = Box::pin(generating).await?;
    let attributes = SpanAttributes(llm.generator.attributes(prompt_tokens, &generation));
    let mut response =
        Json(llm.response(&context, &request, prompt_tokens, &generation)).into_response();
    response.extensions_mut().insert(attributes);
    Ok(response)
}

/// Tokens of the prompt: those that the request states, else a word each.
fn prompt_tokens(request: &ChatRequest) -> u32 {
    let counted = || {
        let words = |message: &Message| message.content.split_whitespace().count();
        request.messages.iter().map(words).sum::<usize>() as u32
    };
    request.prompt_tokens.unwrap_or_else(counted).max(1)
}

impl Llm {
    /// Refuses what is longer than the model takes, prompt and answer together.
    fn check_length(
        &self,
        context: &RequestContext,
        request: &ChatRequest,
    ) -> Result<(), HttpError> {
        let prompt_tokens = prompt_tokens(request);
        let generator = &self.generator;
        match generator.limit_exceeded(context, prompt_tokens, request.max_tokens) {
            None => Ok(()),
            Some(limit) => Err(HttpError::context_too_long(
                limit,
                prompt_tokens,
                request.max_tokens,
            )),
        }
    }

    fn response(
        &self,
        context: &RequestContext,
        request: &ChatRequest,
        prompt_tokens: u32,
        generation: &Generation,
    ) -> ChatResponse {
        let first_token_us = generation.first_token_us - generation.arrived_us();
        ChatResponse {
            id: format!("chatcmpl-{}", context.request_id),
            object: "chat.completion".to_owned(),
            created: self.created(),
            model: self.generator.model.clone(),
            choices: vec![Choice {
                index: 0,
                message: Message {
                    role: "assistant".to_owned(),
                    content: answer(request),
                },
                finish_reason: "length".to_owned(),
            }],
            usage: Usage {
                prompt_tokens,
                completion_tokens: generation.output_tokens,
                total_tokens: prompt_tokens + generation.output_tokens,
            },
            timing: GenerationTiming {
                queue_ms: generation.time_us(Stage::Queue) as f64 / 1000.0,
                time_to_first_token_ms: first_token_us as f64 / 1000.0,
                inter_token_latency_ms: generation.inter_token_latency_us() / 1000.0,
                preemptions: generation.preemptions,
            },
        }
    }

    fn created(&self) -> u64 {
        let clock = &self.instance.clock;
        clock.unix_us(clock.now_us()) / 1_000_000
    }

    /// One event a token as it is generated, then `[DONE]`, as OpenAI's API sends them.
    fn stream(
        self: Arc<Self>,
        context: RequestContext,
        request: ChatRequest,
    ) -> impl Stream<Item = Result<Event, Infallible>> + Send {
        let (progress, tokens) = mpsc::unbounded_channel();
        let id = format!("chatcmpl-{}", context.request_id);
        let created = self.created();
        let model = self.generator.model.clone();
        // Generating on a task of its own lets the events leave as their tokens come.
        let generating = tokio::spawn({
            let llm = self.clone();
            async move {
                let prompt_tokens = prompt_tokens(&request);
                let generating = llm.generator.generate(
                    &context,
                    prompt_tokens,
                    request.max_tokens,
                    Some(progress),
                );
                llm.instance.process.or_death(generating).await
            }
        });
        let state = Streaming {
            tokens,
            sent: 0,
            generating: Abort(generating),
            done: false,
        };
        futures_util::stream::unfold(state, move |mut state| {
            let (id, model) = (id.clone(), model.clone());
            async move {
                if state.done {
                    return None;
                }
                let event = match state.tokens.recv().await {
                    Some(_) => {
                        state.sent += 1;
                        let word = format!("token{} ", state.sent);
                        Event::default().data(chunk(&id, created, &model, &word).to_string())
                    }
                    None => {
                        state.done = true;
                        match (&mut state.generating.0).await {
                            Ok(Some(Err(error))) => Event::default().data(
                                json!({ "error": { "message": error.to_string() } }).to_string(),
                            ),
                            Ok(Some(Ok(_))) => Event::default().data("[DONE]"),
                            // The process died: the stream ends as a cut connection does.
                            _ => return None,
                        }
                    }
                };
                Some((Ok(event), state))
            }
        })
    }
}

struct Streaming {
    tokens: mpsc::UnboundedReceiver<u32>,
    sent: u32,
    generating: Abort,
    done: bool,
}

/// Stops generating when the reader goes away.
struct Abort(tokio::task::JoinHandle<Option<Result<Generation, ResourceError>>>);

impl Drop for Abort {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn chunk(id: &str, created: u64, model: &str, content: &str) -> serde_json::Value {
    json!({
        "id": id,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [{ "index": 0, "delta": { "content": content }, "finish_reason": null }],
    })
}

/// A text that says what it was made from.
fn answer(request: &ChatRequest) -> String {
    let content = |role: &str| {
        let message = request.messages.iter().find(|message| message.role == role);
        message
            .map(|message| message.content.as_str())
            .unwrap_or_default()
    };
    format!("{}: see documents {}", content("user"), content("system"))
}
