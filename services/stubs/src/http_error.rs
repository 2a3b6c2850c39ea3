//! Failures as HTTP answers, in the form of OpenAI's API.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use ragdoll_resources::ResourceError;
use serde_json::json;
use tonic::{Code, Status};

/// A failure on its way to an HTTP client.
#[derive(Debug)]
pub(crate) struct HttpError {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl HttpError {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        HttpError {
            status: StatusCode::BAD_REQUEST,
            kind: "invalid_request_error",
            message: message.into(),
        }
    }
}

impl From<Status> for HttpError {
    fn from(status: Status) -> Self {
        let (http_status, kind) = match status.code() {
            Code::InvalidArgument => (StatusCode::BAD_REQUEST, "invalid_request_error"),
            Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            Code::ResourceExhausted => (StatusCode::SERVICE_UNAVAILABLE, "overloaded"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        HttpError {
            status: http_status,
            kind,
            message: status.message().to_owned(),
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
        let body = json!({ "error": { "message": self.message, "type": self.kind } });
        (self.status, Json(body)).into_response()
    }
}
