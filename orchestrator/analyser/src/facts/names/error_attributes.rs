//! What a failing span says went wrong. Instrumentations say it in many attributes; the first that says
//! something that is known counts, else the first.

use std::borrow::Cow;

use ragdoll_trace::{Span, Symbol, TraceSet, Value};

use crate::facts::names::failures::{envoy_flag, grpc_name, is_telling};

/// How an attribute says what went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// In words, or by a code that is a word.
    Words,
    /// By a number of gRPC, where it is a number.
    Grpc,
    /// By a status of HTTP.
    Http,
    /// By Envoy's flags.
    Envoy,
    /// In words that are shown only where nothing else says more: they are long.
    Message,
}

/// Attributes of a failing span, the best first.
const ERRORS: [(&str, Manner); 17] = [
    ("error.type", Manner::Words),
    ("rpc.response.status_code", Manner::Grpc),
    ("rpc.grpc.status_code", Manner::Grpc),
    ("grpc.status_code", Manner::Grpc),
    ("response_flags", Manner::Envoy),
    ("http.response.status_code", Manner::Http),
    ("http.status_code", Manner::Http),
    ("exception.type", Manner::Words),
    ("error.kind", Manner::Words),
    ("db.response.status_code", Manner::Words),
    ("error", Manner::Words),
    ("exception.message", Manner::Message),
    ("error.message", Manner::Message),
    ("error.object", Manner::Message),
    ("grpc.message", Manner::Message),
    ("message", Manner::Message),
    ("otel.status_description", Manner::Message),
];

/// What `error.type` is where it is nothing in particular, and what an error is that has no words.
const UNSAID: [&str; 5] = ["_OTHER", "error", "Error", "true", "OK"];

/// The symbols that one trace set has for these attributes.
#[derive(Clone, Debug)]
pub(crate) struct ErrorKeys(Vec<(Symbol, Manner)>);

impl ErrorKeys {
    pub(crate) fn new(set: &TraceSet) -> Self {
        let present = ERRORS.iter();
        ErrorKeys(
            present
                .filter_map(|&(key, manner)| Some((set.symbol(key)?, manner)))
                .collect(),
        )
    }

    /// A code that a protocol has a meaning for is the last word on it, though another attribute may
    /// tell of what lies behind it.
    pub(crate) fn error<'a>(&self, set: &'a TraceSet, span: &Span) -> Cow<'a, str> {
        let mut first: Option<Cow<'a, str>> = None;
        for &(key, manner) in &self.0 {
            let value = span.attribute(key);
            let Some(text) = value.and_then(|value| said(set, value, manner)) else {
                continue;
            };
            if is_code(&text) || is_telling(&text) {
                return text;
            }
            first = first.or(Some(text));
        }
        first.unwrap_or(Cow::Borrowed("error"))
    }
}

/// What an attribute says of a failure; none where it says nothing, or that all is well.
fn said<'a>(set: &'a TraceSet, value: &Value, manner: Manner) -> Option<Cow<'a, str>> {
    let text = match value {
        Value::Str(symbol) => Cow::Borrowed(set.text(*symbol)),
        Value::Int(number) => Cow::Owned(number.to_string()),
        _ => return None,
    };
    if text.is_empty() || UNSAID.contains(&text.as_ref()) {
        return None;
    }
    match manner {
        Manner::Words | Manner::Message => Some(text),
        Manner::Envoy => envoy_flag(&text).map(Cow::Borrowed),
        Manner::Grpc => match text.parse() {
            Ok(number) => grpc_name(number).map(Cow::Borrowed),
            Err(_) => Some(text),
        },
        Manner::Http => {
            let status: u16 = text.parse().ok()?;
            (400..600).contains(&status).then_some(text)
        }
    }
}

/// Whether a text is a status of HTTP, or a name of gRPC that leaves nothing open.
fn is_code(text: &str) -> bool {
    const NAMES: [&str; 10] = [
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "FAILED_PRECONDITION",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let is_status = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_status || NAMES.contains(&text)
}
