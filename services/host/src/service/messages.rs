//! The queue between the ingest API and its workers where they are processes of their own: a worker
//! asks the API's process for the next document, and is answered when there is one.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;
use ragdoll_model::api::DocumentRequest;
use ragdoll_runtime::{Body, BoxService, Clock};
use ragdoll_stubs::ingest::{Envelope, Messages, Queue};
use serde::{Deserialize, Serialize};
use tower::Service as _;

/// Path of the way to the queue, which is no part of the system under test and leaves no spans.
pub(super) const NEXT_MESSAGE: &str = "/control/v1/messages/next";
/// How long a worker's question waits for a document before the answer is that there is none.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Pause of a worker after a question that nobody answered.
const PAUSE_US: u64 = 200_000;

/// A message as it travels.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct WireMessage {
    headers: Vec<(String, String)>,
    document: DocumentRequest,
}

impl WireMessage {
    fn new(envelope: &Envelope) -> Self {
        let headers = envelope.headers.iter();
        let headers = headers.filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        });
        WireMessage {
            headers: headers.collect(),
            document: envelope.document.clone(),
        }
    }

    fn into_envelope(self) -> Envelope {
        let headers = self.headers.into_iter();
        let headers = headers.filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(&value).ok()?))
        });
        Envelope {
            headers: headers.collect::<HeaderMap>(),
            document: self.document,
        }
    }
}

/// The next message of the queue; none where nobody brought one in time.
pub(super) async fn next_message(queue: &Queue, clock: &Clock) -> Option<WireMessage> {
    let patience_us = PATIENCE.as_micros() as u64;
    let received = clock.timeout_us(patience_us, queue.receive()).await;
    received.ok().map(|envelope| WireMessage::new(&envelope))
}

/// A worker's way to the queue.
pub(super) struct RemoteMessages {
    api: BoxService,
    clock: Clock,
}

impl RemoteMessages {
    pub(super) fn new(api: BoxService, clock: &Clock) -> Self {
        RemoteMessages {
            api,
            clock: clock.clone(),
        }
    }

    /// None where the API is not there, or has no document.
    async fn ask(&self) -> Option<Envelope> {
        let request = http::Request::builder()
            .method(Method::POST)
            .uri(NEXT_MESSAGE)
            .body(Body::empty());
        let request = request.expect("a constant request is valid");
        let Ok(response) = self.api.clone().call(request).await;
        if response.status() != StatusCode::OK {
            if response.status() != StatusCode::NO_CONTENT {
                self.clock.sleep_us(PAUSE_US).await;
            }
            return None;
        }
        let body = response.into_body().collect().await.ok()?.to_bytes();
        let message: WireMessage = serde_json::from_slice(&body).ok()?;
        Some(message.into_envelope())
    }
}

impl Messages for RemoteMessages {
    fn receive(&self) -> Pin<Box<dyn Future<Output = Envelope> + Send + '_>> {
        Box::pin(async move {
            loop {
                if let Some(envelope) = self.ask().await {
                    return envelope;
                }
            }
        })
    }
}
