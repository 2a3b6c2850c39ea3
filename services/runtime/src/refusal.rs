//! Answers that say no, in the protocol of the question.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use http::{HeaderName, StatusCode};
use tonic::{Code, Status};

use crate::network::Response;

/// gRPC's metadata for how many milliseconds a client is to wait before it tries again (gRFC A6).
pub const RETRY_PUSHBACK_MS: &str = "grpc-retry-pushback-ms";
const RETRY_PUSHBACK: HeaderName = HeaderName::from_static(RETRY_PUSHBACK_MS);

/// Whether a message is gRPC's.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// An answer that says no.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// What gRPC says; the HTTP status follows from it.
    pub code: Code,
    /// Why.
    pub message: Cow<'static, str>,
    /// HTTP status in place of the one that follows from the code, from 400 to 599.
    pub http_status: Option<u16>,
    /// How long the caller is asked to wait before it tries again.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal with this code.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Refusal {
            code,
            message: message.into(),
            http_status: None,
            retry_after_ms: None,
        }
    }

    /// The answer to a question that was gRPC's, or plain HTTP's. Panics where
    /// [`Refusal::http_status`] is no status.
    pub fn response(&self, is_grpc: bool) -> Response {
        if is_grpc {
            let mut response = Status::new(self.code, self.message.clone()).into_http();
            if let Some(wait_ms) = self.retry_after_ms {
                response
                    .headers_mut()
                    .insert(RETRY_PUSHBACK, wait_ms.into());
            }
            return response;
        }
        let mut response = Response::default();
        *response.status_mut() = self.status();
        if let Some(wait_ms) = self.retry_after_ms {
            // HTTP knows whole seconds only.
            let seconds = HeaderValue::from(wait_ms.div_ceil(1000));
            response.headers_mut().insert(RETRY_AFTER, seconds);
        }
        response
    }

    fn status(&self) -> StatusCode {
        if let Some(status) = self.http_status {
            return StatusCode::from_u16(status)
                .unwrap_or_else(|_| panic!("{status} is no HTTP status"));
        }
        match self.code {
            Code::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::InvalidArgument => StatusCode::BAD_REQUEST,
            Code::Internal | Code::Unknown | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_speaks_the_protocol_of_the_question() {
        let mut refusal = Refusal::new(Code::ResourceExhausted, "too many requests");
        refusal.retry_after_ms = Some(1_500);
        let http = refusal.response(false);
        assert_eq!(http.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(http.headers()["retry-after"], "2");
        let grpc = refusal.response(true);
        assert_eq!(grpc.status(), StatusCode::OK);
        assert_eq!(grpc.headers()["grpc-status"], "8");
        assert_eq!(grpc.headers()["grpc-retry-pushback-ms"], "1500");
    }
}
