//! What names of spans, attributes and errors mean. This is the only place that knows them.

use ragdoll_trace::{Span, Status, Symbol, TraceSet};

use crate::verdict::Cause;

/// Span names that say by themselves why time passes.
const CAUSE_OF_SPAN: [(&str, Cause); 11] = [
    ("queue.wait", Cause::Queue),
    ("lock.wait", Cause::Lock),
    ("lock.hold", Cause::Lock),
    ("pool.acquire", Cause::ConnectionPool),
    ("retry.backoff", Cause::Retries),
    ("cpu.throttled", Cause::Cpu),
    ("gc.pause", Cause::Memory),
    ("gen_ai.prefill", Cause::Compute),
    ("gen_ai.decode", Cause::Compute),
    ("gen_ai.preempted", Cause::KvCache),
    ("fan_in.merge", Cause::FanIn),
];

/// Attributes of a client span that name the service it calls, best first.
const PEER_SERVICE: [&str; 3] = ["server.address", "peer.service", "db.system.name"];

/// Attributes that are what became of a request, not what it was like: never a shared trait.
const OUTCOMES: [&str; 17] = [
    "error.",
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

pub(crate) const METRIC_UTILIZATION: [&str; 2] = ["worker.utilization", "lock.utilization"];
pub(crate) const METRIC_WORKERS: &str = "worker.utilization";
pub(crate) const METRIC_QUEUE_DEPTH: &str = "queue.depth";
pub(crate) const METRIC_KV_CACHE: &str = "vllm:kv_cache_usage_perc";
pub(crate) const METRIC_PREEMPTIONS: &str = "vllm:num_preemptions_total";
/// Share of the processors' time that the host gave to others.
pub(crate) const METRIC_CPU_STEAL: &str = "system.cpu.utilization.steal";
pub(crate) const METRIC_MEMORY: &str = "process.memory.usage";
pub(crate) const METRIC_MEMORY_LIMIT: &str = "process.memory.limit";
pub(crate) const LOG_OUT_OF_MEMORY: [&str; 3] = ["OutOfMemory", "out of memory", "OOMKilled"];
/// A process says that it stood still, and in the field below for how many milliseconds.
pub(crate) const LOG_PAUSE: [&str; 3] = ["garbage collection", "GC pause", "stop-the-world"];
pub(crate) const LOG_PAUSE_MS: &str = "pause_ms";
pub(crate) const LOG_STARTED: &str = "process started";
pub(crate) const LOG_RESTARTS: &str = "restarts";

/// The symbols that one trace set has for the names above.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    cause_of_symbol: Vec<Option<Cause>>,
    backoff: Option<Symbol>,
    pool_name: Option<Symbol>,
    peer_service: [Option<Symbol>; 3],
    peer_instance: Option<Symbol>,
    output_tokens: Option<Symbol>,
    error_attributes: [Option<Symbol>; 3],
    description: Option<Symbol>,
}

/// What kind of failure an error name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The caller stopped waiting.
    Deadline,
    /// The callee gave up a transaction that stood in another's way.
    Conflict,
    /// The callee had no room: it says so.
    Overflow,
    /// The callee had no room, or was not there.
    MaybeOverflow,
    /// Anything else.
    Other,
}

impl Names {
    pub(crate) fn new(set: &TraceSet) -> Self {
        let mut cause_of_symbol = vec![None; set.symbol_count()];
        for (name, cause) in CAUSE_OF_SPAN {
            if let Some(symbol) = set.symbol(name) {
                cause_of_symbol[symbol.0 as usize] = Some(cause);
            }
        }
        Names {
            cause_of_symbol,
            backoff: set.symbol("retry.backoff"),
            pool_name: set.symbol("db.client.connection.pool.name"),
            peer_service: PEER_SERVICE.map(|key| set.symbol(key)),
            peer_instance: set.symbol("server.instance"),
            output_tokens: set.symbol("gen_ai.usage.output_tokens"),
            error_attributes: [
                "error.type",
                "rpc.response.status_code",
                "http.response.status_code",
            ]
            .map(|key| set.symbol(key)),
            description: set.symbol("otel.status_description"),
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

    /// Service and instance that a client span says it calls.
    pub(crate) fn peer(&self, span: &Span) -> Option<(Symbol, Option<Symbol>)> {
        let text = |key: &Option<Symbol>| span.attribute((*key)?)?.as_symbol();
        let service = self.peer_service.iter().find_map(text)?;
        Some((service, text(&self.peer_instance)))
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
        let keys = self.error_attributes.iter().chain([&self.description]);
        let value = keys.flatten().find_map(|&key| span.attribute(key));
        value.map_or_else(
            || "error".to_owned(),
            |value| set.display(value).into_owned(),
        )
    }
}

pub(crate) fn is_failed(span: &Span) -> bool {
    span.status == Status::Error
}

pub(crate) fn failure(error: &str) -> Failure {
    match error {
        "DEADLINE_EXCEEDED" | "CANCELLED" | "504" | "499" | "408" | "timeout" => Failure::Deadline,
        "RESOURCE_EXHAUSTED" | "429" => Failure::Overflow,
        "ABORTED" => Failure::Conflict,
        "503" => Failure::MaybeOverflow,
        _ => Failure::Other,
    }
}

/// Whether a span attribute may describe what requests have in common.
pub(crate) fn may_be_trait(key: &str) -> bool {
    !IDENTITIES.contains(&key) && !OUTCOMES.iter().any(|outcome| key.starts_with(outcome))
}

/// Whether the numbers of an attribute measure something: identities are numbers that do not.
pub(crate) fn may_be_measure(key: &str) -> bool {
    !key.ends_with(".id") && !key.ends_with("_id")
}

/// A cause as a reader would say it after "time of".
pub(crate) fn words(cause: Cause) -> &'static str {
    match cause {
        Cause::Queue => "queue wait",
        Cause::Lock => "lock wait and hold",
        Cause::ConnectionPool => "wait for a connection",
        Cause::Compute => "own work",
        Cause::Cpu => "withheld processor time",
        Cause::Memory => "memory reclaim",
        Cause::KvCache => "preemption",
        Cause::Network => "network time",
        Cause::Retries => "failed attempts and backoff",
        Cause::Straggler => "slowest parallel call",
        Cause::FanIn => "merging",
        Cause::SerialCalls => "serial calls",
        Cause::Errors => "calls without an answer",
    }
}
