//! What a request asks for, and how its answer went, in the words of the semantic conventions.

use std::borrow::Cow;

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use ragdoll_model::Service;
use ragdoll_runtime::{Refusal, Request, Response, is_grpc};
use ragdoll_telemetry::names::{
    HTTP_METHOD, HTTP_STATUS, RPC_METHOD, RPC_STATUS, RPC_SYSTEM, grpc_code_name,
};
use ragdoll_telemetry::{KeyValue, SpanGuard};
use tonic::{Code, Status};

/// Names of gRPC methods of the RAG system, which need no copy.
const METHODS: [&str; 6] = [
    "ragdoll.v1.Metadata/Lookup",
    "ragdoll.v1.Embedder/Embed",
    "ragdoll.v1.VectorDb/Search",
    "ragdoll.v1.Shard/Query",
    "ragdoll.v1.Shard/Upsert",
    "ragdoll.v1.Reranker/Rerank",
];
/// Names of HTTP routes that need no copy, with and without their method.
const ROUTES: [(&str, &str); 3] = [
    ("POST /v1/query", "/v1/query"),
    ("POST /v1/chat/completions", "/v1/chat/completions"),
    ("POST /v1/documents", "/v1/documents"),
];

/// What a request asks for.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Grpc {
        method: Cow<'static, str>,
    },
    Http {
        method: http::Method,
        name: Cow<'static, str>,
        path: Cow<'static, str>,
    },
}

impl Operation {
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.uri().path();
        if is_grpc(request.headers()) {
            let name = path.trim_start_matches('/');
            let known = METHODS.into_iter().find(|method| *method == name);
            let known = known.or_else(|| Service::of_method(name).map(Service::method));
            let method = known.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed);
            return Operation::Grpc { method };
        }
        let method = request.method().clone();
        let known = ROUTES.into_iter().find(|(_, route)| *route == path);
        match known.filter(|_| method == http::Method::POST) {
            Some((name, path)) => Operation::Http {
                method,
                name: Cow::Borrowed(name),
                path: Cow::Borrowed(path),
            },
            None => Operation::Http {
                name: Cow::Owned(format!("{method} {path}")),
                path: Cow::Owned(path.to_owned()),
                method,
            },
        }
    }

    /// Name of the span.
    pub(crate) fn name(&self) -> Cow<'static, str> {
        match self {
            Operation::Grpc { method } => method.clone(),
            Operation::Http { name, .. } => name.clone(),
        }
    }

    /// Attributes of both sides' spans; `path_key` is the side's name for the path.
    pub(crate) fn attributes(&self, path_key: &'static str) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(8);
        match self {
            Operation::Grpc { method } => attributes.extend([
                KeyValue::new(RPC_SYSTEM, "grpc"),
                KeyValue::new(RPC_METHOD, method.clone()),
            ]),
            Operation::Http { method, path, .. } => {
                let method: Cow<'static, str> = match *method {
                    http::Method::POST => Cow::Borrowed("POST"),
                    http::Method::GET => Cow::Borrowed("GET"),
                    _ => Cow::Owned(method.to_string()),
                };
                attributes.extend([
                    KeyValue::new(HTTP_METHOD, method),
                    KeyValue::new(path_key, path.clone()),
                ]);
            }
        }
        attributes
    }

    pub(crate) fn is_grpc(&self) -> bool {
        matches!(self, Operation::Grpc { .. })
    }

    /// Writes how an answer went into a span, and returns whether it is a failure. The client's side fails on every error, the server's
    /// on those that are its own: a rejection for overload counts as such.
    pub(crate) fn conclude(
        &self,
        span: &mut SpanGuard,
        response: &Response,
        is_client: bool,
    ) -> bool {
        match self {
            Operation::Grpc { .. } => {
                let code = grpc_code(response.headers());
                let name = grpc_code_name(code as i32);
                span.set(RPC_STATUS, name);
                let fails = code != Code::Ok && (is_client || is_servers_fault(code));
                if fails {
                    span.fail(name, grpc_message(response.headers()));
                }
                fails
            }
            Operation::Http { .. } => {
                let status = response.status();
                span.set(HTTP_STATUS, i64::from(status.as_u16()));
                let fails = status.is_server_error() || (is_client && status.is_client_error());
                if fails {
                    span.fail(
                        status.as_str().to_owned(),
                        status.canonical_reason().unwrap_or_default(),
                    );
                }
                fails
            }
        }
    }
}

/// Whether the body is written as it comes, and the call lasts until its end.
pub(crate) fn is_streamed(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind == "text/event-stream")
}

/// An answer that says no, in the protocol of the question.
pub(crate) fn refusal(is_grpc: bool, code: Code, message: &'static str) -> Response {
    Refusal::new(code, message).response(is_grpc)
}

/// A failed unary call has its status in the headers; one that is there at all succeeded otherwise.
fn grpc_code(headers: &HeaderMap) -> Code {
    match headers.get(Status::GRPC_STATUS) {
        Some(status) => Code::from_bytes(status.as_bytes()),
        None => Code::Ok,
    }
}

fn grpc_message(headers: &HeaderMap) -> String {
    Status::from_header_map(headers)
        .map(|status| status.message().to_owned())
        .unwrap_or_default()
}

fn is_servers_fault(code: Code) -> bool {
    matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
            | Code::ResourceExhausted
    )
}
