//! Names of spans, attributes and metrics. OpenTelemetry's semantic conventions where they have
//! one, vLLM's for the inference engine.

/// Span: waiting for a free server.
pub const QUEUE_WAIT: &str = "queue.wait";
/// Span: waiting for a lock.
pub const LOCK_WAIT: &str = "lock.wait";
/// Span: holding a lock.
pub const LOCK_HOLD: &str = "lock.hold";
/// Span: waiting for a connection.
pub const POOL_ACQUIRE: &str = "pool.acquire";
/// Span: waiting before a further attempt.
pub const RETRY_BACKOFF: &str = "retry.backoff";
/// Span: waiting for processor time that a quota withholds.
pub const CPU_THROTTLED: &str = "cpu.throttled";
/// Span: waiting for bytes from the disk.
pub const DISK_READ: &str = "disk.read";
/// Span: waiting until bytes are on the disk.
pub const DISK_WRITE: &str = "disk.write";
/// Span: a message is read, or written.
pub const MESSAGE_SERIALIZE: &str = "message.serialize";
/// Span: stopped by the garbage collector.
pub const GC_PAUSE: &str = "gc.pause";
/// Span: the prompt is computed.
pub const PREFILL: &str = "gen_ai.prefill";
/// Span: tokens are generated.
pub const DECODE: &str = "gen_ai.decode";
/// Span: out of the running batch for want of KV-cache blocks.
pub const PREEMPTED: &str = "gen_ai.preempted";
/// Span: parallel answers are merged.
pub const FAN_IN_MERGE: &str = "fan_in.merge";

/// Span: waiting for the answer to another request's call that asks the same.
pub const CALL_SHARED: &str = "call.shared";

/// Attribute: what kind of error, such as a gRPC status name.
pub const ERROR_TYPE: &str = "error.type";
/// Attribute: HTTP method.
pub const HTTP_METHOD: &str = "http.request.method";
/// Attribute: HTTP route, on the server's side.
pub const HTTP_ROUTE: &str = "http.route";
/// Attribute: HTTP path, on the client's side.
pub const URL_PATH: &str = "url.path";
/// Attribute: HTTP status code.
pub const HTTP_STATUS: &str = "http.response.status_code";
/// Attribute: number of earlier attempts of an HTTP request.
pub const HTTP_RESEND_COUNT: &str = "http.request.resend_count";
/// Attribute: `grpc`.
pub const RPC_SYSTEM: &str = "rpc.system.name";
/// Attribute: full name of the method.
pub const RPC_METHOD: &str = "rpc.method";
/// Attribute: gRPC status name.
pub const RPC_STATUS: &str = "rpc.response.status_code";
/// Attribute: number of earlier attempts of a gRPC call.
pub const RPC_RETRY_ATTEMPT: &str = "rpc.retry.attempt";
/// Attribute: a second copy of a call that was slow.
pub const RPC_HEDGE: &str = "rpc.hedge";
/// Attribute: `service.name` of the callee.
pub const SERVER_ADDRESS: &str = "server.address";
/// Attribute: `service.instance.id` of the callee.
pub const SERVER_INSTANCE: &str = "server.instance";
/// Attribute of a resource: the zone that the instance is in.
pub const AVAILABILITY_ZONE: &str = "cloud.availability_zone";
/// Attribute: request id.
pub const REQUEST_ID: &str = "request.id";
/// Attribute: user id.
pub const USER_ID: &str = "user.id";
/// Attribute: name of a lock.
pub const LOCK_NAME: &str = "lock.name";
/// Attribute: name of a connection pool.
pub const POOL_NAME: &str = "db.client.connection.pool.name";
/// Attribute: whether the cache of look-ups had the answer.
pub const METADATA_CACHE_HIT: &str = "rag.metadata.cache_hit";
/// Attribute: whether the cache of vectors had the answer.
pub const EMBEDDING_CACHE_HIT: &str = "rag.embedding.cache_hit";
/// Attribute: whether the cache of answers had the answer.
pub const ANSWER_CACHE_HIT: &str = "rag.answer.cache_hit";
/// Attribute: whether a service's own cache had the answer.
pub const CACHE_HIT: &str = "cache.hit";
/// Attribute: whether the question was turned down.
pub const GUARD_BLOCKED: &str = "guardrail.blocked";
/// Attribute: steps that an agent's loop took.
pub const AGENT_STEPS: &str = "agent.steps";
/// Attribute: contexts asked for.
pub const TOP_K: &str = "rag.top_k";
/// Attribute: documents handed to the reranker.
pub const DOCUMENTS_COUNT: &str = "rag.documents.count";
/// Attribute: text of the documents handed to the reranker, in bytes.
pub const DOCUMENTS_SIZE: &str = "rag.documents.size_bytes";
/// Attribute: partitions asked.
pub const SHARDS_QUERIED: &str = "rag.shards.queried";
/// Attribute: partitions that answered.
pub const SHARDS_ANSWERED: &str = "rag.shards.answered";
/// Attribute: candidates that a search of an approximate index keeps.
pub const INDEX_EF: &str = "rag.index.ef";
/// Attribute: vectors that a search of an approximate index compared with its query.
pub const INDEX_COMPARED: &str = "rag.index.vectors_compared";
/// Attribute: database product.
pub const DB_SYSTEM: &str = "db.system.name";
/// Attribute: database operation.
pub const DB_OPERATION: &str = "db.operation.name";
/// Attribute: rows in the answer.
pub const DB_ROWS: &str = "db.response.returned_rows";
/// Attribute: `chat`.
pub const GEN_AI_OPERATION: &str = "gen_ai.operation.name";
/// Attribute: model asked for.
pub const GEN_AI_MODEL: &str = "gen_ai.request.model";
/// Attribute: tokens of the prompt.
pub const GEN_AI_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Attribute: tokens generated.
pub const GEN_AI_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
/// Attribute: seconds in the engine's queue.
pub const GEN_AI_TIME_IN_QUEUE: &str = "gen_ai.latency.time_in_queue";
/// Attribute: seconds to the first token.
pub const GEN_AI_TIME_TO_FIRST_TOKEN: &str = "gen_ai.latency.time_to_first_token";
/// Attribute: seconds from the call to the first piece of a streamed answer, as its reader saw it.
pub const GEN_AI_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
/// Attribute: longest time in seconds between two pieces of a streamed answer, as its reader saw it.
pub const GEN_AI_LONGEST_GAP: &str = "gen_ai.response.longest_chunk_gap";

/// The name of a gRPC status code, such as `UNAVAILABLE`; `UNKNOWN` for a number that is none.
pub const fn grpc_code_name(code: i32) -> &'static str {
    match code {
        0 => "OK",
        1 => "CANCELLED",
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        10 => "ABORTED",
        11 => "OUT_OF_RANGE",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        15 => "DATA_LOSS",
        16 => "UNAUTHENTICATED",
        _ => "UNKNOWN",
    }
}

/// Entry of a request's baggage: the topic of its query.
pub const BAGGAGE_TOPIC: &str = "topic";
/// Entry of a request's baggage: bytes of the documents that it carries.
pub const BAGGAGE_DOCUMENT_BYTES: &str = "document_bytes";
