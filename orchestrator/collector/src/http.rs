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
use prost::Message as _;
use ragdoll_trace::{OtlpRequest, ReadProblem};
use serde::Serialize;

use crate::inbox::{Inbox, MESSAGE_BYTES};
use crate::service::{Logs, Metrics, Service, Traces, http_path};
use crate::to_proto;

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
        .route(http_path(Traces::SIGNAL), post(export::<Traces>))
        .route(http_path(Logs::SIGNAL), post(export::<Logs>))
        .route(http_path(Metrics::SIGNAL), post(export::<Metrics>))
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

async fn export<S: Service>(
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

async fn take<S: Service>(
    inbox: &Inbox,
    form: Form,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<S::Answer, (StatusCode, String)> {
    let body = body.map_err(|rejection| (rejection.status(), rejection.body_text()))?;
    let body = plain(headers, body)?;
    let telemetry = form.read::<S>(&body).map_err(|problem| {
        let text = format!("the body is no OTLP {}: {problem}", form.name());
        (StatusCode::BAD_REQUEST, text)
    })?;
    let protobuf = |telemetry: &OtlpRequest| match form {
        Form::Protobuf => body,
        Form::Json => protobuf_of::<S>(&body, telemetry),
    };
    let over = || {
        let text = "the run is over".to_owned();
        (StatusCode::SERVICE_UNAVAILABLE, text)
    };
    let answer = inbox.export::<S>(telemetry, protobuf).await;
    answer.ok_or_else(over)
}

/// A body without its compression.
fn plain(headers: &HeaderMap, body: Bytes) -> Result<Bytes, (StatusCode, String)> {
    match headers.get(CONTENT_ENCODING).map(|how| how.as_bytes()) {
        None | Some(b"" | b"identity") => Ok(body),
        Some(b"gzip") => match unpack(&body) {
            Ok(unpacked) => Ok(unpacked.into()),
            Err(text) => Err((StatusCode::BAD_REQUEST, text)),
        },
        Some(other) => {
            let other = String::from_utf8_lossy(other);
            let text = format!("content-encoding is `{other}`: use gzip or none");
            Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
        }
    }
}

/// A request in JSON as it goes to another collector. Where it is in a JSON that only we read, what
/// was kept of it does.
fn protobuf_of<S: Service>(json: &[u8], telemetry: &OtlpRequest) -> Bytes {
    match serde_json::from_slice::<S::Request>(json) {
        Ok(request) => request.encode_to_vec().into(),
        Err(_) => to_proto::request(S::SIGNAL, telemetry.observations()),
    }
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

    fn read<S: Service>(self, body: &[u8]) -> Result<OtlpRequest, ReadProblem> {
        match self {
            Form::Protobuf => OtlpRequest::from_protobuf(S::SIGNAL, body),
            Form::Json => OtlpRequest::from_json(S::SIGNAL, body),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Form::Protobuf => "protobuf",
            Form::Json => "JSON",
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
