//! A caller of the control API, for the command line and for tests.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::{BodyExt as _, Full};
use ragdoll_host::remote;
use ragdoll_runtime::{Body, BoxService, Clock};
use serde::de::DeserializeOwned;
use serde_json::Value;
use thiserror::Error;
use tower::Service as _;

use super::views::{FaultView, Refused};

/// How long one answer may take.
const ANSWER_US: u64 = 15_000_000;

/// A change or a question that came to nothing.
#[derive(Debug, Error)]
pub enum ControlError {
    /// Nobody answers.
    #[error(
        "nobody answers at {address}: {why}; start a system with `ragdoll up`, or name another address with --at"
    )]
    Unreachable {
        /// Where.
        address: String,
        /// What was seen.
        why: String,
    },
    /// The system does not grant it.
    #[error("{0}")]
    Refused(Refused),
    /// Whoever answers is no system of this kind.
    #[error("{address} answers {status}, which this program does not understand: {body}")]
    Stranger {
        /// Where.
        address: String,
        /// HTTP status.
        status: StatusCode,
        /// The start of its answer.
        body: String,
    },
    /// This program's own means are not to be had.
    #[error("cannot ask: {0}")]
    Runtime(std::io::Error),
}

/// The control API of a system at one address.
#[derive(Clone, Debug)]
pub struct ControlClient {
    /// `HOST:PORT`.
    pub address: String,
    /// The system's token, where it has one.
    pub token: Option<String>,
}

impl ControlClient {
    /// Every fault there is.
    ///
    /// # Errors
    /// Where nobody answers, or not as a system of this kind would.
    pub fn list(&self) -> Result<Vec<FaultView>, ControlError> {
        self.ask(Method::GET, "/v1/faults", None)
    }

    /// Adds a fault, or makes it another. `text` is TOML or JSON. Returns what changed, and the fault.
    ///
    /// # Errors
    /// As [`ControlClient::list`], and where the fault has a mistake.
    pub fn put(&self, id: &str, text: &str) -> Result<Value, ControlError> {
        self.ask(Method::PUT, &format!("/v1/faults/{id}"), Some(text))
    }

    /// Takes a fault back; that there is none is no error.
    ///
    /// # Errors
    /// As [`ControlClient::list`].
    pub fn remove(&self, id: &str) -> Result<(), ControlError> {
        self.ask::<Option<Value>>(Method::DELETE, &format!("/v1/faults/{id}"), None)
            .map(drop)
    }

    /// Brings a lasting state of a service or an instance about, such as `crash`, or ends it, such as
    /// `restart`.
    ///
    /// # Errors
    /// As [`ControlClient::put`].
    pub fn act(&self, target: &str, verb: &str) -> Result<(), ControlError> {
        let path = format!("/v1/targets/{target}/{verb}");
        self.ask::<Option<Value>>(Method::POST, &path, None)
            .map(drop)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<T, ControlError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ControlError::Runtime)?;
        runtime.block_on(self.exchange(method, path, body))
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&str>,
    ) -> Result<T, ControlError> {
        let unreachable = |why: String| ControlError::Unreachable {
            address: self.address.clone(),
            why,
        };
        let mut way: BoxService =
            remote(&self.address).map_err(|error| unreachable(error.to_string()))?;
        let text = body.unwrap_or_default().to_owned();
        let mut request = http::Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            let shown = HeaderValue::try_from(format!("Bearer {token}"));
            let shown =
                shown.map_err(|_| unreachable("the token is no header's value".to_owned()))?;
            request = request.header(AUTHORIZATION, shown);
        }
        let kind = if text.trim_start().starts_with('{') {
            "application/json"
        } else {
            "application/toml"
        };
        let request = request
            .header(CONTENT_TYPE, kind)
            .body(Body::new(Full::from(text).map_err(|never| match never {})))
            .map_err(|error| unreachable(error.to_string()))?;
        let exchange = async {
            let Ok(response) = way.call(request).await;
            let status = response.status();
            let body = response.into_body().collect().await;
            (status, body.map(|body| body.to_bytes()))
        };
        let answered = Clock::new_real().timeout_us(ANSWER_US, exchange).await;
        let (status, body) = answered.map_err(|_| unreachable("no answer in time".to_owned()))?;
        let body = body.map_err(|error| unreachable(error.message().to_owned()))?;
        self.understand(status, &body)
    }

    fn understand<T: DeserializeOwned>(
        &self,
        status: StatusCode,
        body: &[u8],
    ) -> Result<T, ControlError> {
        if status == StatusCode::SERVICE_UNAVAILABLE && body.is_empty() {
            return Err(ControlError::Unreachable {
                address: self.address.clone(),
                why: "connection refused".to_owned(),
            });
        }
        if !status.is_success() {
            if let Ok(refused) = serde_json::from_slice(body) {
                return Err(ControlError::Refused(refused));
            }
            return Err(self.stranger(status, body));
        }
        // An answer without a body says nothing, in JSON.
        let body = if body.is_empty() { b"null" } else { body };
        serde_json::from_slice(body).map_err(|_| self.stranger(status, body))
    }

    fn stranger(&self, status: StatusCode, body: &[u8]) -> ControlError {
        let text = String::from_utf8_lossy(body);
        ControlError::Stranger {
            address: self.address.clone(),
            status,
            body: text.chars().take(200).collect(),
        }
    }
}
