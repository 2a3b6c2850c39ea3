//! OTLP over HTTP, in protobuf and in JSON.

use std::io::Read as _;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use serde::Serialize;

use crate::inbox::{Inbox, MESSAGE_BYTES, Signal};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";
const GRPC: &str = "application/grpc";
/// gRPC's number for a mistake of the caller.
const INVALID_ARGUMENT: i32 = 3;
/// gRPC's number for what cannot be had now.
const UNAVAILABLE: i32 = 14;
/// gRPC's number for what is not there at all.
const UNIMPLEMENTED: i32 = 12;

/// The three paths.
pub(crate) fn router(inbox: Inbox) -> Router {
    Router::new()
        .route("/v1/traces", post(export::<ExportTraceServiceRequest>))
        .route("/v1/logs", post(export::<ExportLogsServiceRequest>))
        .route("/v1/metrics", post(export::<ExportMetricsServiceRequest>))
        .layer(DefaultBodyLimit::max(MESSAGE_BYTES))
        .with_state(inbox)
}

/// Tells where telemetry can be sent to, in the words of whoever sent it elsewhere.
pub(crate) async fn elsewhere(headers: HeaderMap) -> Response {
    if content_type(&headers).starts_with(GRPC) {
        let headers = [
            ("content-type", GRPC.to_owned()),
            ("grpc-status", UNIMPLEMENTED.to_string()),
        ];
        return headers.into_response();
    }
    let text = "OTLP/HTTP is POST to /v1/traces, /v1/logs or /v1/metrics; OTLP/gRPC needs no path";
    (StatusCode::NOT_FOUND, text).into_response()
}

async fn export<S: Signal>(
    State(inbox): State<Inbox>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let form = match Form::of(&headers) {
        Ok(form) => form,
        Err(text) => return (StatusCode::UNSUPPORTED_MEDIA_TYPE, text).into_response(),
    };
    match take::<S>(&inbox, form, &headers, body).await {
        Ok(answer) => form.answer(&answer),
        Err((status, message)) => form.refuse(status, message),
    }
}

async fn take<S: Signal>(
    inbox: &Inbox,
    form: Form,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<S::Answer, (StatusCode, String)> {
    let body = body.map_err(|rejection| (rejection.status(), rejection.body_text()))?;
    let request: S = form.read(headers, &body)?;
    let over = || {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the run is over".to_owned(),
        )
    };
    inbox.export(request).await.ok_or_else(over)
}

/// The form of a message and of its answer.
#[derive(Clone, Copy, Debug)]
enum Form {
    Protobuf,
    Json,
}

/// `google.rpc.Status`, in which OTLP has all refusals.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
struct Refusal {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Form {
    fn of(headers: &HeaderMap) -> Result<Form, String> {
        match content_type(headers) {
            PROTOBUF => Ok(Form::Protobuf),
            JSON => Ok(Form::Json),
            other => {
                let given = match other {
                    "" => "there is no content-type".to_owned(),
                    other => format!("content-type is `{other}`"),
                };
                Err(format!("{given}: use {PROTOBUF} or {JSON}"))
            }
        }
    }

    fn read<S: Signal>(self, headers: &HeaderMap, body: &[u8]) -> Result<S, (StatusCode, String)> {
        let bad = |text: String| (StatusCode::BAD_REQUEST, text);
        let unpacked;
        let body = match headers.get(CONTENT_ENCODING).map(|how| how.as_bytes()) {
            None | Some(b"" | b"identity") => body,
            Some(b"gzip") => {
                unpacked = unpack(body).map_err(bad)?;
                &unpacked
            }
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                let text = format!("content-encoding is `{other}`: use gzip or none");
                return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
            }
        };
        match self {
            Form::Protobuf => S::decode(body)
                .map_err(|error| bad(format!("the body is no OTLP protobuf: {error}"))),
            Form::Json => serde_json::from_slice(body)
                .map_err(|error| bad(format!("the body is no OTLP JSON: {error}"))),
        }
    }

    fn answer<A: prost::Message + Default + PartialEq + Serialize>(self, answer: &A) -> Response {
        match self {
            // Left to serde, what is absent would be null.
            Form::Json if *answer == A::default() => ([(CONTENT_TYPE, JSON)], "{}").into_response(),
            _ => self.response(StatusCode::OK, answer),
        }
    }

    fn refuse(self, status: StatusCode, message: String) -> Response {
        let code = if status.is_server_error() {
            UNAVAILABLE
        } else {
            INVALID_ARGUMENT
        };
        self.response(status, &Refusal { code, message })
    }

    fn response(self, status: StatusCode, content: &(impl prost::Message + Serialize)) -> Response {
        let (kind, body) = match self {
            Form::Protobuf => (PROTOBUF, content.encode_to_vec()),
            Form::Json => {
                let body = serde_json::to_vec(content);
                (JSON, body.expect("an answer has a JSON form"))
            }
        };
        (status, [(CONTENT_TYPE, kind)], body).into_response()
    }
}

/// The content type without its parameters; empty where there is none.
fn content_type(headers: &HeaderMap) -> &str {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

/// A small message may unpack to a very large one.
fn unpack(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut unpacked = Vec::new();
    let most = MESSAGE_BYTES as u64 + 1;
    MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut unpacked)
        .map_err(|error| format!("the body is no gzip: {error}"))?;
    if unpacked.len() > MESSAGE_BYTES {
        return Err(format!(
            "the body has more than {MESSAGE_BYTES} bytes when unpacked"
        ));
    }
    Ok(unpacked)
}
