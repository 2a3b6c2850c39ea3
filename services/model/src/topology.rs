//! The system under test as data: how many copies of each service, and what their resources are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::{Dist, TokenDist};
use crate::graph::Graph;
use crate::ids::InstanceId;
pub use crate::llm::Llm;
use crate::mitigation::{Cache, Shedding, is_default};
use crate::stages::{Batch, Search};
use crate::zones::{self, Zone, ZoneLatency};

pub use crate::resources::{CallPlan, LockScope, Memory};
pub use crate::vector_index::{Hnsw, VectorIndex};

/// A whole system. [`Topology::default`] is the base that the experiment file calls `default`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Topology {
    /// What the index holds.
    pub corpus: Corpus,
    /// The network between instances.
    pub network: Network,
    /// HTTP edge that runs the request path.
    pub gateway: Gateway,
    /// Metadata store.
    pub metadata: Metadata,
    /// Text to vector.
    pub embedder: Embedder,
    /// Fan-out over the shards.
    pub vector_db: VectorDb,
    /// The partitions of the index.
    pub shard: Shard,
    /// Cross-encoder.
    pub reranker: Reranker,
    /// Inference engine.
    pub llm: Llm,
    /// Asynchronous indexing path.
    pub ingest: Ingest,
    /// A system of other services, in place of those above.
    #[serde(skip_serializing_if = "Graph::is_empty")]
    pub graph: Graph,
}

impl Topology {}

/// A synthetic corpus with planted topics: a document's topic decides which words it is made of,
/// so that the relevant documents of a query are known by construction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Corpus {
    /// Documents (chunks) in the index, at least 1.
    pub documents: u32,
    /// Topics that the documents are spread over, at least 1.
    pub topics: u32,
    /// Dimensions of a vector, a multiple of 8.
    pub dimensions: u32,
    /// Tokens of an ordinary document.
    pub document_tokens: TokenDist,
    /// Every `n`-th topic holds long documents, such as contracts among notes; 0 for none.
    pub long_topic_every: u32,
    /// How many times longer the documents of a long topic are, at least 1.
    pub long_topic_factor: f64,
    /// Bytes of text a token.
    pub bytes_per_token: f64,
}

impl Default for Corpus {
    fn default() -> Self {
        Corpus {
            // Assumptions, for the simulator's speed: enough documents and topics for 4 shards to
            // hold different neighbours of a query, and enough dimensions to keep topics apart. The
            // time a search takes does not come from them but from `shard.search_time`.
            documents: 512,
            topics: 32,
            dimensions: 32,
            // Assumption: a chunk that the usual embedding models take whole, all-MiniLM-L12-v2 up
            // to 256 word pieces and all-mpnet-base-v2 up to 384 (sbert.net, "Pretrained Models").
            document_tokens: TokenDist::Lognormal {
                median: 200.0,
                sigma: 0.3,
                max: 512,
            },
            // Assumptions: one topic in eight is of long documents, so that size can be what
            // failing requests have in common.
            long_topic_every: 8,
            long_topic_factor: 4.0,
            // About four characters of English a token (OpenAI, "What are tokens and how to count
            // them?").
            bytes_per_token: 4.0,
        }
    }
}

/// The network between instances, one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Time on the wire of an empty message, one way.
    pub latency: Dist,
    /// Rate at which a message's bytes pass, in megabits a second, above 0.
    pub bandwidth_mbps: f64,
    /// Probability that a message is lost and sent again, from 0 to 1.
    pub loss: f64,
    /// Time after which a lost message is sent again.
    pub retransmit_ms: f64,
    /// Time between two health checks of each instance by each of its callers; 0 for none.
    pub health_check_ms: f64,
    /// Zones; whoever is listed in none is in the zone `default`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<Zone>,
    /// Latency between zones, on top of `latency`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub zone_latency: Vec<ZoneLatency>,
}

impl Network {
    /// The zone of an instance; `None` where there are no zones.
    pub fn zone_of(&self, instance: &InstanceId) -> Option<&str> {
        zones::zone_of(&self.zones, instance)
    }

    /// What a message from one instance to another takes besides `latency`, because they are in
    /// different zones.
    pub fn added_between(&self, from: &InstanceId, to: &InstanceId) -> Option<Dist> {
        let (from, to) = (self.zone_of(from)?, self.zone_of(to)?);
        zones::added_latency(&self.zone_latency, from, to)
    }
}

impl Default for Network {
    fn default() -> Self {
        Network {
            // Half of the 0.5 ms round trip within a data centre (J. Dean, "Designs, Lessons and
            // Advice from Building Large Distributed Systems", LADIS 2009, "Numbers Everyone Should
            // Know"). The spread is an assumption: a quiet network.
            latency: Dist::lognormal(0.25, 0.2),
            // An AWS m5.xlarge has up to 10 Gbit/s (EC2, "Network specifications").
            bandwidth_mbps: 10_000.0,
            // No fault: loss comes from experiments.
            loss: 0.0,
            // Linux waits at least 200 ms: TCP_RTO_MIN is HZ/5 (include/net/tcp.h).
            retransmit_ms: 200.0,
            // No checks: an instance that callers find unready is what experiments are about.
            health_check_ms: 0.0,
            // One data centre, as `latency` is of one.
            zones: Vec::new(),
            zone_latency: Vec::new(),
        }
    }
}

/// The HTTP edge. It does little work itself; its limits protect what is behind it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// Copies, at least 1.
    pub instances: u32,
    /// Requests in progress at once, at least 1.
    pub workers: u32,
    /// Requests that may wait for a worker; more are answered with 503.
    pub queue_bound: u32,
    /// Work of its own for each request: parsing, authentication, prompt assembly.
    pub service_time: Dist,
    /// Candidates that are fetched and reranked for each query, at least 1.
    pub candidates: u32,
    /// Deadline for the whole request.
    pub deadline_ms: f64,
    /// Connections to the metadata store that this instance keeps, at least 1.
    pub metadata_pool_size: u32,
    /// How long a request waits for one of these connections.
    pub metadata_pool_timeout_ms: f64,
    /// How the metadata store is called.
    pub metadata_call: CallPlan,
    /// How the embedder is called.
    pub embedder_call: CallPlan,
    /// How the vector database is called.
    pub vector_db_call: CallPlan,
    /// How the reranker is called.
    pub reranker_call: CallPlan,
    /// How the LLM is called.
    pub llm_call: CallPlan,
    /// Whether the LLM's answers are read token by token, as they are generated, and not in one
    /// piece.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream_llm: bool,
    /// Requests that are refused.
    #[serde(skip_serializing_if = "is_default")]
    pub shedding: Shedding,
    /// Whether look-ups of the same user that are under way at the same time become one.
    #[serde(skip_serializing_if = "is_default")]
    pub coalesce_metadata: bool,
    /// Whether embeddings of the same text that are under way at the same time become one.
    #[serde(skip_serializing_if = "is_default")]
    pub coalesce_embeddings: bool,
    /// Look-ups that are kept, by user.
    #[serde(skip_serializing_if = "is_default")]
    pub metadata_cache: Cache,
    /// Vectors that are kept, by text.
    #[serde(skip_serializing_if = "is_default")]
    pub embedding_cache: Cache,
    /// Whole answers that are kept, by what the user may see, query and number of contexts.
    #[serde(skip_serializing_if = "is_default")]
    pub answer_cache: Cache,
}

impl Default for Gateway {
    fn default() -> Self {
        Gateway {
            instances: 1,
            // Envoy's circuit breaker lets through 1,024 requests and keeps 1,024 pending unless
            // told otherwise (`max_requests`, `max_pending_requests` of circuit_breaker.proto).
            workers: 1024,
            queue_bound: 1024,
            // The LiteLLM proxy adds 2 ms at the median, 8 ms at the 95th and 13 ms at the 99th
            // percentile (docs.litellm.ai, "Benchmarks", 4 instances), which is a sigma of 0.8.
            service_time: Dist::lognormal(2.0, 0.8),
            candidates: Search::default().limit,
            // An AWS application load balancer cuts a connection that was idle for 60 s (Elastic
            // Load Balancing, "Connection idle timeout"): nobody hears a later answer that is not
            // streamed.
            deadline_ms: 60_000.0,
            // HikariCP: `maximumPoolSize` 10, `connectionTimeout` 30 s (README).
            metadata_pool_size: 10,
            metadata_pool_timeout_ms: 30_000.0,
            metadata_call: CallPlan::default(),
            embedder_call: CallPlan::default(),
            vector_db_call: CallPlan::default(),
            reranker_call: CallPlan::default(),
            llm_call: CallPlan::default(),
            // OpenAI's API answers in one piece unless asked to stream (API reference, `stream`).
            stream_llm: false,
            // Off: experiments switch them on.
            shedding: Shedding::default(),
            coalesce_metadata: false,
            coalesce_embeddings: false,
            metadata_cache: Cache::default(),
            embedding_cache: Cache::default(),
            answer_cache: Cache::default(),
        }
    }
}

/// Who may see what. Every look-up passes a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Metadata {
    /// Copies, at least 1.
    pub instances: u32,
    /// Look-ups in progress at once in one copy, at least 1.
    pub workers: u32,
    /// Look-ups that may wait for a worker; more are answered with RESOURCE_EXHAUSTED.
    pub queue_bound: u32,
    /// Work outside the lock.
    pub service_time: Dist,
    /// What the lock protects: the whole store, or one user's row.
    pub lock_scope: LockScope,
    /// How long a look-up holds the lock.
    pub lock_hold: Dist,
}

impl Default for Metadata {
    fn default() -> Self {
        Metadata {
            instances: 1,
            // PostgreSQL: `max_connections` 100 (postgresql.conf.sample).
            workers: 100,
            // Assumption: PostgreSQL has no such queue but refuses; ten look-ups a worker are
            // enough for the pools of the gateways to be what limits first.
            queue_bound: 1000,
            // One client of etcd 2.2 reads 2,303 keys a second, 0.43 ms each (etcd, "Benchmarking
            // etcd v2.2.0"); a permission check reads a little more. The spread is an assumption.
            service_time: Dist::lognormal(0.5, 0.3),
            // Assumption: the coarsest lock there is, as in a store with one writer for the whole
            // database (SQLite, "Appropriate Uses For SQLite").
            lock_scope: LockScope::Global,
            // Assumption: a lock held until a commit is on disk; fdatasync on an SSD is often below
            // 1 ms (etcd, "Performance").
            lock_hold: Dist::lognormal(0.5, 0.3),
        }
    }
}

/// Batching embedding server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embedder {
    /// Copies, at least 1.
    pub instances: u32,
    /// Batches computed at once in one copy, at least 1.
    pub workers: u32,
    /// Texts that may wait; more are answered with RESOURCE_EXHAUSTED.
    pub queue_bound: u32,
    /// Texts in a batch at most, at least 1.
    pub max_batch: u32,
    /// Time of a batch of one.
    pub service_time: Dist,
    /// Time that each further text adds to its batch.
    pub per_item_ms: f64,
    /// Texts that are refused.
    #[serde(skip_serializing_if = "is_default")]
    pub shedding: Shedding,
}

impl Default for Embedder {
    fn default() -> Self {
        let batch = Batch::default();
        Embedder {
            instances: 1,
            workers: batch.servers,
            queue_bound: batch.queue_bound,
            max_batch: batch.max_batch,
            service_time: batch.service_time,
            per_item_ms: batch.per_item_ms,
            shedding: Shedding::default(),
        }
    }
}

/// Coordinator of the vector database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct VectorDb {
    /// Copies of the coordinator, at least 1.
    pub instances: u32,
    /// Partitions of the index, at least 1.
    pub shards: u32,
    /// Replicas of each partition, at least 1.
    pub replicas: u32,
    /// Work of the coordinator before the fan-out.
    pub service_time: Dist,
    /// Work to merge the partitions' answers.
    pub merge_time: Dist,
    /// How each partition is called.
    pub shard_call: CallPlan,
    /// Whether the partitions are asked at once or one after the other.
    pub fan_out: FanOut,
    /// Partitions asked at the same time at most; 0 for no limit.
    pub fan_out_limit: u32,
    /// Whether an answer is given when a partition failed.
    pub partial_results: bool,
}

impl Default for VectorDb {
    fn default() -> Self {
        VectorDb {
            instances: 1,
            // Assumption: the fewest with which one slow partition of several can be told apart.
            shards: 4,
            // Elasticsearch: one replica besides the primary (`index.number_of_replicas` 1).
            replicas: 2,
            // Assumptions: parsing a vector, merging 4 short lists. Published latencies of vector
            // databases contain such work; the shards' time below is nearly all of it.
            service_time: Dist::lognormal(0.5, 0.3),
            merge_time: Dist::lognormal(0.3, 0.3),
            shard_call: CallPlan::default(),
            // Assumption: a scatter and gather without a limit, the shortest way to all partitions.
            fan_out: FanOut::Parallel,
            fan_out_limit: 0,
            // Elasticsearch: `allow_partial_search_results` is true (Search API).
            partial_results: true,
        }
    }
}

/// How several calls are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FanOut {
    /// All at once, up to the limit.
    Parallel,
    /// One after the other.
    Serial,
}

/// One replica of a partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Shard {
    /// Searches in progress at once, at least 1.
    pub workers: u32,
    /// Searches that may wait; more are answered with RESOURCE_EXHAUSTED.
    pub queue_bound: u32,
    /// Time of a search.
    pub search_time: Dist,
    /// Time that a write holds the partition's write lock, which stops searches.
    pub write_time: Dist,
    /// How the nearest vectors are found. It decides what is found, not how long it takes: that is
    /// `search_time`.
    #[serde(skip_serializing_if = "is_default")]
    pub index: VectorIndex,
}

impl Default for Shard {
    fn default() -> Self {
        Shard {
            // Qdrant sizes its search threads by the processors (`max_search_threads: 0`,
            // config/config.yaml), of which its benchmark's server has 8.
            workers: 8,
            // Elasticsearch: 1,000 searches wait for the thread pool `search` ("Thread pools").
            queue_bound: 1000,
            // Qdrant, 1 million vectors of 1,536 dimensions, precision 0.98, one client: mean 3.74
            // ms, 95th percentile 4.55 ms (qdrant.tech, "Single node benchmarks", January 2024, m
            // 32, hnsw_ef 64), which is a sigma of 0.13. The client's round trip is part of it.
            search_time: Dist::lognormal(3.7, 0.13),
            // Assumption: no figure is published for how long an insert stops searches; shorter
            // than a search.
            write_time: Dist::lognormal(1.0, 0.3),
            // Assumption: an ideal index, so that whatever lowers recall is a fault's doing.
            index: VectorIndex::Exact,
        }
    }
}

/// Cross-encoder. Its memory grows with the documents of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reranker {
    /// Copies, at least 1.
    pub instances: u32,
    /// Requests computed at once in one copy, at least 1.
    pub workers: u32,
    /// Requests that may wait; more are answered with RESOURCE_EXHAUSTED.
    pub queue_bound: u32,
    /// Work that does not depend on the documents.
    pub service_time: Dist,
    /// Work for each document.
    pub per_document_ms: f64,
    /// Processors of one copy, at least 1.
    pub cpu_cores: u32,
    /// Processor time that one copy may use in each 100 ms, in milliseconds; 0 for no quota.
    pub cpu_quota_ms: f64,
    /// Memory of one copy.
    pub memory: Memory,
    /// Requests that are refused.
    #[serde(skip_serializing_if = "is_default")]
    pub shedding: Shedding,
    /// Whether a request whose caller gave up keeps its place and is worked on to its end, as in a
    /// server of threads that do not look at cancellation.
    #[serde(skip_serializing_if = "is_default")]
    pub finishes_abandoned: bool,
}

impl Default for Reranker {
    fn default() -> Self {
        Reranker {
            instances: 1,
            // Assumption: a worker a processor.
            workers: 4,
            // Text Embeddings Inference, which also serves rerankers: `max_concurrent_requests` 512
            // (router/src/main.rs).
            queue_bound: 512,
            // Assumption: tokenising the query and assembling the pairs, small beside the model.
            service_time: Dist::lognormal(2.0, 0.2),
            // ms-marco-MiniLM-L12-v2 scores 960 documents a second on a V100 (sbert.net, "MS MARCO
            // Cross-Encoders").
            per_document_ms: 1.04,
            // Assumption: an instance type of the usual size, such as the m5.xlarge of the network.
            cpu_cores: 4,
            // Kubernetes sets no quota unless a limit is given ("Resource Management for Pods and
            // Containers").
            cpu_quota_ms: 0.0,
            memory: Memory::default(),
            shedding: Shedding::default(),
            // gRPC cancels the server's call when its caller hangs up (grpc.io, "Cancellation").
            finishes_abandoned: false,
        }
    }
}

/// Asynchronous indexing: API, queue, workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ingest {
    /// Messages that the queue holds; more are answered with 429.
    pub queue_bound: u32,
    /// Workers that take messages from the queue, at least 1.
    pub workers: u32,
    /// Work for each document before it is embedded: parsing, chunking.
    pub service_time: Dist,
}

impl Default for Ingest {
    fn default() -> Self {
        Ingest {
            // Assumption: brokers set no bound by themselves (RabbitMQ, "Queue Length Limit"), and
            // back-pressure needs one.
            queue_bound: 1000,
            // Assumptions: indexing is off unless an experiment sends documents; one worker that
            // parses 100 short documents a second is enough for the rest.
            workers: 1,
            service_time: Dist::lognormal(10.0, 0.3),
        }
    }
}
