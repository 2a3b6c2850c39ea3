//! Failures as HTTP answers, in the form of OpenAI's API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use ragdoll_resources::ResourceError;
use ragdoll_runtime::RETRY_PUSHBACK_MS;
use ragdoll_telemetry::KeyValue;
use ragdoll_telemetry::names::ERROR_TYPE;
use serde_json::json;
use tonic::{Code, Status};

use crate::client::SpanAttributes;

/// OpenAI's name for a prompt that the model cannot take.
pub(crate) const CONTEXT_LENGTH_EXCEEDED: &str = "context_length_exceeded";

/// A failure on its way to an HTTP client.
#[derive(Debug)]
pub(crate) struct HttpError {
    status: StatusCode,
    kind: &'static str,
    message: String,
    /// A name for what exactly was wrong, where the API has one.
    code: Option<&'static str>,
    /// Milliseconds after which the caller may try again, where it came too soon.
    retry_after_ms: Option<u64>,
}

impl HttpError {
    /// A prompt that is longer than the model takes, in vLLM's words.
    pub(crate) fn context_too_long(limit: u32, prompt_tokens: u32, output_tokens: u32) -> Self {
        let asked = u64::from(prompt_tokens) + u64::from(output_tokens);
        let message = format!(
            "This model's maximum context length is {limit} tokens. However, you requested {asked} tokens \
             ({prompt_tokens} in the messages, {output_tokens} in the completion). Please reduce the length \
             of the messages or completion."
        );
        HttpError {
            code: Some(CONTEXT_LENGTH_EXCEEDED),
            ..HttpError::bad_request(message)
        }
    }

    /// A failure of the service's own: one that asks its caller to come again later is too many requests.
    pub(crate) fn own(status: Status) -> Self {
        let pushback = status.metadata().get(RETRY_PUSHBACK_MS);
        match pushback.and_then(|ms| ms.to_str().ok()?.parse().ok()) {
            None => status.into(),
            Some(retry_after_ms) => HttpError {
                status: StatusCode::TOO_MANY_REQUESTS,
                kind: "rate_limit_error",
                message: status.message().to_owned(),
                code: None,
                retry_after_ms: Some(retry_after_ms),
            },
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        HttpError {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            message: message.into(),
            code: None,
            retry_after_ms: None,
        }
    }
}

impl From<Status> for HttpError {
    fn from(status: Status) -> Self {
        let (http_status, kind) = match status.code() {
            Code::InvalidArgument => (StatusCode::BAD_REQUEST, "invalid_request_error"),
            Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Code::OutOfRange => (StatusCode::BAD_GATEWAY, "upstream_error"),
            Code::ResourceExhausted => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        HttpError {
            status: http_status,
            kind,
            message: status.message().to_owned(),
            code: (status.code() == Code::OutOfRange).then_some(CONTEXT_LENGTH_EXCEEDED),
            retry_after_ms: None,
        }
    }
}

impl From<ResourceError> for HttpError {
    fn from(error: ResourceError) -> Self {
        Status::from(error).into()
    }
}

impl IntoResponse for HttpError {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": { "message": self.message, "type": self.kind } });
        if let Some(code) = self.code {
            body["error"]["code"] = code.into();
        }
        let mut response = (self.status, Json(body)).into_response();
        if let Some(ms) = self.retry_after_ms {
            // HTTP counts whole seconds (RFC 9110, section 10.2.3).
            let seconds = HeaderValue::from(ms.div_ceil(1000));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        if let Some(code) = self.code {
            let error_type = KeyValue::new(ERROR_TYPE, code);
            response
                .extensions_mut()
                .insert(SpanAttributes(vec![error_type]));
        }
        response
    }
}
