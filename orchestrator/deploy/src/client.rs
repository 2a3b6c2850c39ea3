//! The load generator's side: asks, and notes what became of it.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::BodyExt as _;
use ragdoll_experiment::RequestOutcome;
use ragdoll_load::Ask;
use ragdoll_model::api::{DocumentRequest, QueryRequest, QueryResponse};
use ragdoll_runtime::random::exponential;
use ragdoll_runtime::{Body, Clock, Response, Stream};
use ragdoll_stubs::{Client, Corpus};
use ragdoll_telemetry::RequestContext;
use ragdoll_telemetry::names::BAGGAGE_TOPIC;
use tower::Service as _;

use crate::exact::ExactAnswers;

/// What became of one request.
struct Outcome {
    request: u64,
    /// How late it was sent.
    lateness_us: u64,
    outcome: RequestOutcome,
}

/// Sends queries and collects their outcomes.
#[derive(Clone)]
pub(crate) struct QueryClient {
    clock: Clock,
    gateway: Client,
    corpus: Arc<Corpus>,
    /// Absent where nothing is retrieved.
    exact: Option<Arc<ExactAnswers>>,
    outcomes: Arc<Mutex<Vec<Outcome>>>,
}

impl QueryClient {
    pub(crate) fn new(
        clock: &Clock,
        gateway: &Client,
        corpus: &Arc<Corpus>,
        exact: Option<ExactAnswers>,
    ) -> Self {
        QueryClient {
            clock: clock.clone(),
            gateway: gateway.clone(),
            corpus: corpus.clone(),
            exact: exact.map(Arc::new),
            outcomes: Arc::default(),
        }
    }

    /// Sends one query and waits for its end.
    pub(crate) async fn ask(self, ask: Ask) {
        let plan = ask.plan;
        let lateness_us = self.clock.now_us().saturating_sub(ask.intended_us);
        let user = format!("user-{}", plan.user);
        let context = RequestContext::new(plan.request.to_string(), user.as_str())
            .with_baggage(BAGGAGE_TOPIC, plan.topic);
        let query = QueryRequest {
            query: self.corpus.query_text(plan.query, plan.topic),
            top_k: plan.top_k,
            user,
            prompt_tokens: Some(plan.prompt_tokens),
            total_prompt_tokens: plan.total_prompt_tokens,
            max_tokens: plan.output_tokens,
        };
        let response = post(&self.gateway, "/v1/query", context, &query).await;
        let (error, quality) = match error_of(&response) {
            Some(error) => (Some(error), None),
            None => match read::<QueryResponse>(response).await {
                Ok(answer) => {
                    let exact = self.exact.as_ref();
                    let quality = exact.map(|exact| exact.judge(&plan, &answer.contexts));
                    (None, quality)
                }
                Err(error) => (Some(error.to_owned()), None),
            },
        };
        let outcome = RequestOutcome {
            intended_us: ask.intended_us,
            latency_us: self.clock.now_us().saturating_sub(ask.intended_us),
            error,
            recall: quality.map(|quality| quality.recall),
            precision: quality.map(|quality| quality.precision),
        };
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.push(Outcome {
            request: plan.request.0,
            lateness_us,
            outcome,
        });
    }

    /// Every outcome, in the order in which the requests were due, and how late each was sent.
    pub(crate) fn take_outcomes(&self) -> (Vec<RequestOutcome>, Vec<u64>) {
        let mut outcomes = {
            let mut held = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *held)
        };
        outcomes.sort_by_key(|outcome| outcome.request);
        let outcomes = outcomes.into_iter();
        outcomes
            .map(|outcome| (outcome.outcome, outcome.lateness_us))
            .unzip()
    }
}

/// Sends document updates as a Poisson process of `per_s` a second until `end_us`.
pub(crate) async fn send_documents(
    clock: Clock,
    ingest: Client,
    corpus: Arc<Corpus>,
    random: Stream,
    per_s: f64,
    end_us: u64,
) {
    let mut due_us = 0.0;
    for number in 0_u64.. {
        let mut rng = random.at(number);
        due_us += exponential(1e6 / per_s, &mut rng);
        if due_us >= end_us as f64 {
            return;
        }
        clock.sleep_until_us(due_us as u64).await;
        let document = ragdoll_runtime::random::index(corpus.len() as usize, &mut rng) as u32;
        let topic = corpus
            .document(document)
            .map_or(0, |document| document.topic);
        let message = DocumentRequest {
            document,
            text: corpus.query_text(document, topic),
        };
        let context = RequestContext::new(format!("document-{number}"), "ingest");
        let ingest = ingest.clone();
        tokio::spawn(async move { post(&ingest, "/v1/documents", context, &message).await });
    }
}

async fn post(
    client: &Client,
    path: &'static str,
    context: RequestContext,
    message: &impl serde::Serialize,
) -> Response {
    let body = serde_json::to_vec(message).expect("plain data has a JSON form");
    let body = http_body_util::Full::from(body).map_err(|never| match never {});
    let request = http::Request::builder()
        .method(http::Method::POST)
        .uri(path)
        .header(http::header::CONTENT_TYPE, "application/json")
        .extension(context)
        .body(Body::new(body))
        .expect("a constant request is valid");
    let Ok(response) = client.clone().call(request).await;
    response
}

/// `error.type` of a failed request: its HTTP status.
fn error_of(response: &Response) -> Option<String> {
    let status = response.status();
    (!status.is_success()).then(|| status.as_str().to_owned())
}

/// Reads an answer of the gateway, whose form is ragdoll's own.
///
/// # Errors
/// `error.type` of an answer that breaks off, as it does where the gateway dies meanwhile, or that was
/// changed or cut on its way.
async fn read<T: serde::de::DeserializeOwned>(response: Response) -> Result<T, &'static str> {
    let body = response.into_body().collect().await;
    let body = body.map_err(|_| "broken_answer")?.to_bytes();
    serde_json::from_slice(&body).map_err(|_| "malformed_answer")
}
