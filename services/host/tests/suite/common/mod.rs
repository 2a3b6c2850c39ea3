//! A whole system in virtual time, a caller of it, and what it said.

pub(crate) mod seen;
pub(crate) mod shop;

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use http_body_util::BodyExt as _;
use ragdoll_fault_layers::{Injector, Planned};
use ragdoll_host::{Surroundings, System};
use ragdoll_model::api::{DocumentRequest, QueryRequest};
use ragdoll_model::{Dist, Topology};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, Clock, Response, Streams, run_virtual};
use ragdoll_stubs::Client;
use ragdoll_stubs::hop::Behaviours;
use ragdoll_telemetry::{Batch, Exporter, RequestContext, log_subscriber, tracing};
use serde_json::Value;
use tower::Service as _;

pub(crate) use seen::Seen;

pub(crate) const SEED: u64 = 7;

/// A system under test and its clock.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) clock: Clock,
    pub(crate) system: Arc<System>,
}

/// Runs a scenario on a system of its own. What it returns comes back with all that the system said
/// until then.
pub(crate) fn on<F, T>(topology: Topology, scenario: impl FnOnce(Ground) -> F) -> (T, Seen)
where
    F: Future<Output = T>,
{
    on_with(topology, Vec::new(), scenario)
}

/// The same with faults.
pub(crate) fn on_with<F, T>(
    topology: Topology,
    faults: Vec<Planned>,
    scenario: impl FnOnce(Ground) -> F,
) -> (T, Seen)
where
    F: Future<Output = T>,
{
    let streams = Streams::new(SEED);
    let injector = Injector::new(faults, &streams).expect("sound parameters");
    let (exporter, batches) = Exporter::channel();
    let mut names: Vec<_> = topology.instances();
    names.sort();
    let (result, said) = run_virtual(|clock| {
        let (exporter, batches) = (exporter.clone(), &batches);
        async move {
            let subscriber = log_subscriber(clock.clone(), exporter.clone());
            let _logs = tracing::subscriber::set_default(subscriber);
            let system = System::start(&Surroundings {
                clock: &clock,
                topology: &topology,
                streams: &streams,
                exporter: &exporter,
                injector: &injector,
                behaviours: &Behaviours::default(),
            });
            let ground = Ground {
                clock: clock.clone(),
                system: Arc::new(system),
            };
            let result = scenario(ground).await;
            (result, take(&exporter, batches))
        }
    });
    // The runtime is gone, and with it every task: a span that was still open ended as cancelled.
    let left_open = take(&exporter, &batches).spans.len();
    (result, Seen::new(&said, &names, left_open))
}

fn take(exporter: &Exporter, batches: &Receiver<Batch>) -> Batch {
    exporter.flush();
    let mut all = Batch::default();
    while let Ok(batch) = batches.try_recv() {
        all.spans.extend(batch.spans);
        all.logs.extend(batch.logs);
        all.metrics.extend(batch.metrics);
    }
    all
}

impl Ground {
    pub(crate) fn instance(&self, name: &str) -> Arc<Instance> {
        let mut instances = self.system.instances.iter();
        let found = instances.find(|instance| instance.id.name() == name);
        found
            .unwrap_or_else(|| panic!("no instance {name}"))
            .clone()
    }

    /// A query about `topic`, worded by its number.
    pub(crate) fn query(&self, number: u32, topic: u32) -> QueryRequest {
        QueryRequest {
            query: self.system.corpus.query_text(number, topic),
            top_k: 4,
            user: "user-1".to_owned(),
            prompt_tokens: Some(50),
            total_prompt_tokens: None,
            max_tokens: 8,
        }
    }

    /// Asks, and returns the status and the answer.
    pub(crate) async fn ask(&self, request_id: &str, query: &QueryRequest) -> (u16, Value) {
        let context = RequestContext::new(request_id, "user-1");
        self.ask_within(context, query).await
    }

    pub(crate) async fn ask_within(
        &self,
        context: RequestContext,
        query: &QueryRequest,
    ) -> (u16, Value) {
        let body = serde_json::to_string(query).expect("plain data");
        json(self.post("/v1/query", context, body).await).await
    }

    pub(crate) async fn post(
        &self,
        path: &'static str,
        context: RequestContext,
        body: String,
    ) -> Response {
        post(&self.system.gateway, path, context, body).await
    }

    /// Sends a document to the ingest API.
    pub(crate) async fn send(&self, request_id: &str, document: u32, text: &str) -> (u16, Value) {
        let document = DocumentRequest {
            document,
            text: text.to_owned(),
        };
        let context = RequestContext::new(request_id, "writer");
        let body = serde_json::to_string(&document).expect("plain data");
        let ingest = self.system.ingest.as_ref().expect("no graph of services");
        json(post(ingest, "/v1/documents", context, body).await).await
    }
}

pub(crate) async fn post(
    client: &Client,
    path: &'static str,
    context: RequestContext,
    body: String,
) -> Response {
    let body = http_body_util::Full::from(body).map_err(|never| match never {});
    let request = http::Request::post(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .extension(context)
        .body(Body::new(body))
        .expect("a constant request is valid");
    let Ok(response) = client.clone().call(request).await;
    response
}

/// Status and body; `Null` for an empty body.
pub(crate) async fn json(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a whole body")
        .to_bytes();
    if body.is_empty() {
        return (status, Value::Null);
    }
    let text = String::from_utf8_lossy(&body);
    let value = serde_json::from_str(&text);
    (
        status,
        value.unwrap_or_else(|error| panic!("{error}: {text}")),
    )
}

/// A topology in which every step but the LLM takes a known time.
pub(crate) fn steady() -> Topology {
    let mut topology = Topology::default();
    topology.network.latency = Dist::fixed(0.25);
    topology.gateway.service_time = Dist::fixed(2.0);
    topology.metadata.service_time = Dist::fixed(1.0);
    topology.metadata.lock_hold = Dist::fixed(1.0);
    topology.embedder.service_time = Dist::fixed(8.0);
    topology.vector_db.service_time = Dist::fixed(1.0);
    topology.vector_db.merge_time = Dist::fixed(1.0);
    topology.shard.search_time = Dist::fixed(4.0);
    topology.reranker.service_time = Dist::fixed(2.0);
    topology
}
