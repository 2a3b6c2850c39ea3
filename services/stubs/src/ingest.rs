//! Asynchronous indexing: an HTTP edge that takes documents, a queue whose messages carry the trace
//! context in their headers, and workers that embed documents and write them to the shards.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use ragdoll_model::api::{DocumentAccepted, DocumentRequest};
use ragdoll_model::proto::embedder_client::EmbedderClient;
use ragdoll_model::proto::shard_client::ShardClient;
use ragdoll_model::proto::{EmbedRequest, UpsertRequest};
use ragdoll_model::retrieval::vector_to_bytes;
use ragdoll_model::topology;
use ragdoll_resources::Instance;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::sample_us;
use ragdoll_telemetry::metrics::MESSAGING_DEPTH;
use ragdoll_telemetry::{Gauge, KeyValue, Observe, RequestContext, SpanKind, log};
use serde_json::json;
use tokio::sync::Notify;
use tonic::Status;

use crate::client::{Client, grpc_request};
use crate::corpus::Corpus;
use crate::json_body::JsonBody;

/// A bounded queue between the API and the workers.
#[derive(Debug)]
pub struct Queue {
    bound: usize,
    messages: Mutex<VecDeque<Envelope>>,
    arrival: Notify,
}

/// A document on the queue, with the context of the request that brought it.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Headers, the trace context among them.
    pub headers: HeaderMap,
    /// The document.
    pub document: DocumentRequest,
}

/// Where a worker takes its documents from: the queue itself, or a way to it over the network.
pub trait Messages: Send + Sync {
    /// Waits for the next document and takes it.
    fn receive(&self) -> Pin<Box<dyn Future<Output = Envelope> + Send + '_>>;
}

impl Messages for Queue {
    fn receive(&self) -> Pin<Box<dyn Future<Output = Envelope> + Send + '_>> {
        Box::pin(self.next())
    }
}

impl Queue {
    /// An empty queue that holds `bound` messages.
    pub fn new(bound: u32) -> Arc<Self> {
        Arc::new(Queue {
            bound: bound as usize,
            messages: Mutex::default(),
            arrival: Notify::new(),
        })
    }

    /// Puts a message at the end; `None` where the queue is full.
    fn publish(&self, envelope: Envelope) -> Option<usize> {
        let mut messages = self.messages();
        if messages.len() >= self.bound {
            return None;
        }
        messages.push_back(envelope);
        self.arrival.notify_one();
        Some(messages.len())
    }

    async fn next(&self) -> Envelope {
        loop {
            let message = self.messages().pop_front();
            if let Some(envelope) = message {
                return envelope;
            }
            self.arrival.notified().await;
        }
    }

    fn messages(&self) -> std::sync::MutexGuard<'_, VecDeque<Envelope>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for Queue {
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        report(MESSAGING_DEPTH, self.messages().len() as f64);
    }
}

struct Api {
    instance: Arc<Instance>,
    queue: Arc<Queue>,
}

/// The ingest API's HTTP routes.
pub fn router(instance: &Arc<Instance>, queue: &Arc<Queue>) -> Router {
    instance.telemetry.observe(queue);
    let api = Arc::new(Api {
        instance: instance.clone(),
        queue: queue.clone(),
    });
    Router::new()
        .route("/v1/documents", post(accept))
        .route("/readyz", get(|| async { "ready" }))
        .with_state(api)
}

async fn accept(
    State(api): State<Arc<Api>>,
    Extension(context): Extension<RequestContext>,
    JsonBody(document): JsonBody<DocumentRequest>,
) -> Response {
    let telemetry = &api.instance.telemetry;
    let mut span = telemetry.start(
        "send documents",
        SpanKind::Producer,
        &context.span,
        messaging("send"),
    );
    let number = document.document;
    let mut headers = HeaderMap::new();
    context
        .within(span.context())
        .inject(&mut headers, api.instance.clock.now_us());
    let Some(queue_depth) = api.queue.publish(Envelope { headers, document }) else {
        span.fail("queue_full", "the queue is full");
        span.end();
        let message = format!(
            "the queue holds {} documents: try again later",
            api.queue.bound
        );
        let body = json!({ "error": { "message": message, "type": "overloaded" } });
        return (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
    };
    span.end();
    let accepted = DocumentAccepted {
        document: number,
        queue_depth: queue_depth as u32,
    };
    (StatusCode::ACCEPTED, Json(accepted)).into_response()
}

fn messaging(operation: &'static str) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "ragdoll"),
        KeyValue::new("messaging.destination.name", "documents"),
        KeyValue::new("messaging.operation.name", operation),
    ]
}

/// Takes documents from the queue.
pub struct Worker {
    instance: Arc<Instance>,
    spec: topology::Ingest,
    messages: Arc<dyn Messages>,
    corpus: Arc<Corpus>,
    embedder: Client,
    /// One client for each replica, by partition.
    replicas: Vec<Vec<Client>>,
    random: Stream,
}

impl Worker {
    /// A worker that has not started.
    pub fn new(
        instance: &Arc<Instance>,
        spec: &topology::Ingest,
        messages: &Arc<dyn Messages>,
        corpus: &Arc<Corpus>,
        embedder: Client,
        replicas: Vec<Vec<Client>>,
    ) -> Self {
        Worker {
            instance: instance.clone(),
            spec: spec.clone(),
            messages: messages.clone(),
            corpus: corpus.clone(),
            embedder,
            replicas,
            random: instance.random.child("service-time"),
        }
    }

    /// Works until the runtime ends. A document that fails is logged and not tried again; one that its
    /// process dies with is lost, as a message is that was acknowledged when it was taken.
    pub async fn run(self) {
        let process = &self.instance.process;
        loop {
            process.up().await;
            let work = async {
                let envelope = self.messages.receive().await;
                self.process(envelope).await;
            };
            // Whether it was done or cut: the next document is for whoever is there then.
            let _ = process.or_death(work).await;
        }
    }

    async fn process(&self, envelope: Envelope) {
        let now_us = self.instance.clock.now_us();
        let caller = RequestContext::extract(&envelope.headers, now_us);
        let mut span = self.instance.telemetry.start(
            "process documents",
            SpanKind::Consumer,
            &caller.span,
            messaging("process"),
        );
        let context = caller.within(span.context());
        match self.index(&context, envelope.document).await {
            Ok(document) => log!(
                info,
                self.instance.telemetry,
                context,
                "document indexed",
                document = document,
            ),
            Err(status) => {
                let code = ragdoll_telemetry::names::grpc_code_name(status.code() as i32);
                span.fail(code, status.message().to_owned());
                log!(
                    warn,
                    self.instance.telemetry,
                    context,
                    "document not indexed",
                    status = code,
                    reason = status.message(),
                );
            }
        }
        span.end();
    }

    async fn index(
        &self,
        context: &RequestContext,
        document: DocumentRequest,
    ) -> Result<u32, Status> {
        let work_us = sample_us(&self.spec.service_time, &mut context.random(self.random));
        self.instance.work_us(work_us).await;
        let number = document.document;
        // A document of the corpus keeps its own text, so that an update leaves answers as they are.
        let known = self.corpus.vector(number).zip(self.corpus.document(number));
        let size_bytes = known.map_or(document.text.len() as u64, |(_, held)| held.size_bytes);
        let tokens = known.map_or(
            document.text.split_whitespace().count() as u32,
            |(_, held)| held.tokens,
        );
        let message = EmbedRequest {
            text: document.text,
        };
        let request = grpc_request(context.clone(), message);
        let embedded = EmbedderClient::new(self.embedder.clone())
            .embed(request)
            .await?;
        let vector = match known {
            Some((vector, _)) => vector_to_bytes(vector),
            None => embedded.into_inner().vector,
        };
        let partition = number as usize % self.replicas.len();
        for replica in &self.replicas[partition] {
            let message = UpsertRequest {
                document: number,
                vector: vector.clone(),
                tokens,
                size_bytes,
            };
            let request = grpc_request(context.clone(), message);
            ShardClient::new(replica.clone()).upsert(request).await?;
        }
        Ok(number)
    }
}
