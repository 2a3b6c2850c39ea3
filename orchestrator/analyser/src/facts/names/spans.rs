//! What names of spans and of their attributes mean.

use ragdoll_trace::{Span, Status, Symbol, TraceSet};

use crate::facts::cause::Cause;
use crate::facts::names::error_attributes::ErrorKeys;
use crate::facts::names::peers::PeerKeys;

/// Attribute of the second copy of a call that is made twice at once.
pub(crate) const HEDGE: &str = "rpc.hedge";

/// Names of spans that are no more than a method of HTTP: calls of all kinds have them.
pub(crate) const METHODS: [&str; 9] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "HTTP", "http",
];

/// Attributes that are what became of a request, not what it was like: never a correlated attribute.
const OUTCOMES: [&str; 20] = [
    "error",
    "grpc.status_code",
    "grpc.message",
    "response_flags",
    "exception.",
    "otel.",
    "http.response.",
    "http.status_code",
    "http.request.resend_count",
    "rpc.response.",
    "rpc.grpc.status_code",
    "rpc.retry.attempt",
    "rpc.hedge",
    "retry.",
    "db.response.",
    "gen_ai.latency.",
    "gen_ai.response.",
    "gen_ai.usage.output_tokens",
    "rag.shards.answered",
    "server.instance",
];

/// Attributes that only number requests.
const IDENTITIES: [&str; 3] = ["request.id", "http.request.id", "thread.id"];

/// The symbols that one trace set has for the names above.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    cause_of_symbol: Vec<Option<Cause>>,
    backoff: Option<Symbol>,
    pool_name: Option<Symbol>,
    peers: PeerKeys,
    output_tokens: Option<Symbol>,
    errors: ErrorKeys,
}

impl Names {
    pub(crate) fn new(set: &TraceSet) -> Self {
        let mut cause_of_symbol = vec![None; set.symbol_count()];
        for cause in Cause::ALL {
            for symbol in cause.spans().iter().filter_map(|name| set.symbol(name)) {
                cause_of_symbol[symbol.0 as usize] = Some(cause);
            }
        }
        Names {
            cause_of_symbol,
            backoff: set.symbol("retry.backoff"),
            pool_name: set.symbol("db.client.connection.pool.name"),
            peers: PeerKeys::new(set),
            output_tokens: set.symbol("gen_ai.usage.output_tokens"),
            errors: ErrorKeys::new(set),
        }
    }

    /// Why time passes in this span where none of its children is open. A client span is decided
    /// elsewhere: it depends on what is known of its callee.
    pub(crate) fn cause(&self, span: &Span) -> Cause {
        self.cause_of_symbol[span.name.0 as usize].unwrap_or(Cause::Compute)
    }

    /// Whether a span's name says by itself why time passes in it: a wait, and no step of the work.
    pub(crate) fn says_cause(&self, span: &Span) -> bool {
        self.cause_of_symbol[span.name.0 as usize].is_some()
    }

    pub(crate) fn is_backoff(&self, span: &Span) -> bool {
        Some(span.name) == self.backoff
    }

    /// Name of the connection pool that a span waits for.
    pub(crate) fn pool(&self, span: &Span) -> Option<Symbol> {
        span.attribute(self.pool_name?)?.as_symbol()
    }

    /// Attributes that tell whom a call calls.
    pub(crate) fn peers(&self) -> &PeerKeys {
        &self.peers
    }

    /// Tokens that a call generated; 0 where it is not a generation.
    pub(crate) fn output_tokens(&self, span: &Span) -> f64 {
        let value = self
            .output_tokens
            .and_then(|key| span.attribute(key)?.as_f64());
        value.unwrap_or(0.0).max(0.0)
    }

    /// What a failing span says went wrong.
    pub(crate) fn error(&self, set: &TraceSet, span: &Span) -> String {
        self.errors.error(set, span).into_owned()
    }
}

pub(crate) fn is_failed(span: &Span) -> bool {
    span.status == Status::Error
}

/// Whether a span attribute may describe what requests have in common.
pub(crate) fn may_correlate(key: &str) -> bool {
    !IDENTITIES.contains(&key) && !OUTCOMES.iter().any(|outcome| key.starts_with(outcome))
}

/// Whether the numbers of an attribute measure something: identities are numbers that do not.
pub(crate) fn may_be_measure(key: &str) -> bool {
    !key.ends_with(".id") && !key.ends_with("_id")
}
