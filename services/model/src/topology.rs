//! The system under test as data: how many copies of each service, and what their resources are.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::{Dist, TokenDist};
use crate::ids::{InstanceId, Service};

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
}

impl Topology {
    /// Names of the bases an experiment may start from.
    pub const BASES: [&'static str; 3] = ["default", "minimal", "wide"];

    /// The base of this name.
    pub fn base(name: &str) -> Option<Topology> {
        let mut topology = Topology::default();
        match name {
            "default" => {}
            "minimal" => {
                topology.vector_db.shards = 1;
                topology.vector_db.replicas = 1;
            }
            "wide" => {
                topology.vector_db.shards = 16;
                topology.embedder.instances = 2;
                topology.reranker.instances = 2;
                topology.llm.instances = 2;
            }
            _ => return None,
        }
        Some(topology)
    }

    /// Every instance of a service, in a fixed order.
    pub fn instances_of(&self, service: Service) -> Vec<InstanceId> {
        let count = match service {
            Service::Client | Service::IngestApi => 1,
            Service::Gateway => self.gateway.instances,
            Service::Metadata => self.metadata.instances,
            Service::Embedder => self.embedder.instances,
            Service::VectorDb => self.vector_db.instances,
            Service::Reranker => self.reranker.instances,
            Service::Llm => self.llm.instances,
            Service::IngestWorker => self.ingest.workers,
            Service::Shard => {
                let replicas = self.vector_db.replicas;
                return (0..self.vector_db.shards)
                    .flat_map(|partition| {
                        (0..replicas).map(move |replica| InstanceId::shard(partition, replica))
                    })
                    .collect();
            }
        };
        (0..count)
            .map(|index| InstanceId::new(service, index))
            .collect()
    }

    /// Every instance of every service, in the order of [`Service::ALL`].
    pub fn instances(&self) -> Vec<InstanceId> {
        Service::ALL
            .into_iter()
            .flat_map(|service| self.instances_of(service))
            .collect()
    }
}

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
            // A size chosen for the simulator's speed, not measured: enough for 4 shards to hold
            // different neighbours of a query. The time a search takes is `shard.search_time`.
            documents: 1024,
            topics: 32,
            dimensions: 32,
            // all-MiniLM-L6-v2 cuts its input at 256 word pieces (sbert.net, pretrained models),
            // which makes that the usual chunk length for it.
            document_tokens: TokenDist::Lognormal {
                median: 200.0,
                sigma: 0.3,
                max: 512,
            },
            long_topic_every: 8,
            long_topic_factor: 4.0,
            // About four characters of English a token (OpenAI, "What are tokens and how to count
            // them").
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
}

impl Default for Network {
    fn default() -> Self {
        Network {
            // Half of the 0.5 ms round trip within a data centre (J. Dean, "Designs, Lessons and
            // Advice from Building Large Distributed Systems", LADIS 2009).
            latency: Dist::lognormal(0.25, 0.2),
            // AWS m5.xlarge: up to 10 Gbit/s (EC2 instance types).
            bandwidth_mbps: 10_000.0,
            loss: 0.0,
            // Linux: minimum TCP retransmission time-out, TCP_RTO_MIN = 200 ms (net/tcp.h).
            retransmit_ms: 200.0,
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
}

impl Default for Gateway {
    fn default() -> Self {
        Gateway {
            instances: 1,
            // Envoy's default circuit breaker: 1,024 requests, 1,024 pending (Envoy, circuit
            // breaking, `max_requests` and `max_pending_requests`).
            workers: 1024,
            queue_bound: 1024,
            service_time: Dist::lognormal(1.0, 0.3),
            candidates: 20,
            // OpenAI's SDKs wait 10 minutes and LangChain none; a minute is the idle time-out of
            // an AWS application load balancer, past which a user's connection is cut.
            deadline_ms: 60_000.0,
            // HikariCP: `maximumPoolSize` 10, `connectionTimeout` 30 s.
            metadata_pool_size: 10,
            metadata_pool_timeout_ms: 30_000.0,
            metadata_call: CallPlan::default(),
            embedder_call: CallPlan::default(),
            vector_db_call: CallPlan::default(),
            reranker_call: CallPlan::default(),
            llm_call: CallPlan::default(),
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
            // PostgreSQL: `max_connections` 100.
            workers: 100,
            queue_bound: 1000,
            service_time: Dist::lognormal(1.0, 0.3),
            lock_scope: LockScope::Global,
            lock_hold: Dist::lognormal(0.5, 0.3),
        }
    }
}

/// What a lock protects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockScope {
    /// One lock for everything.
    Global,
    /// One lock a key, here a user.
    PerKey,
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
}

impl Default for Embedder {
    fn default() -> Self {
        Embedder {
            instances: 1,
            workers: 1,
            // Text Embeddings Inference: `max_concurrent_requests` 512, `max_client_batch_size` 32.
            queue_bound: 512,
            max_batch: 32,
            service_time: Dist::lognormal(8.0, 0.2),
            // all-mpnet-base-v2: 2,800 sentences a second on a V100 (sbert.net, pretrained
            // models).
            per_item_ms: 0.36,
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
            shards: 4,
            replicas: 2,
            service_time: Dist::lognormal(0.5, 0.3),
            merge_time: Dist::lognormal(0.3, 0.3),
            shard_call: CallPlan::default(),
            fan_out: FanOut::Parallel,
            fan_out_limit: 0,
            // OpenSearch and Elasticsearch: `allow_partial_search_results` is true.
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
}

impl Default for Shard {
    fn default() -> Self {
        Shard {
            // Qdrant starts one search thread for each processor; its benchmark machine has 8.
            workers: 8,
            queue_bound: 1000,
            // Qdrant, 1 million vectors of 1,536 dimensions, 8 processors: mean 3.5 ms (qdrant.tech
            // benchmarks, single node, January 2024).
            search_time: Dist::lognormal(3.5, 0.3),
            write_time: Dist::lognormal(1.0, 0.3),
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
}

impl Default for Reranker {
    fn default() -> Self {
        Reranker {
            instances: 1,
            workers: 4,
            queue_bound: 256,
            service_time: Dist::lognormal(2.0, 0.2),
            // ms-marco-MiniLM-L12-v2: 960 documents a second on a V100 (sbert.net, cross-encoders
            // for MS MARCO).
            per_document_ms: 1.04,
            cpu_cores: 4,
            cpu_quota_ms: 0.0,
            memory: Memory::default(),
        }
    }
}

/// Memory of a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Memory {
    /// Limit past which the process is killed.
    pub budget_bytes: u64,
    /// Memory that the process holds when it is idle: code, model weights.
    pub base_bytes: u64,
    /// Working memory for each byte of input.
    pub bytes_per_input_byte: f64,
    /// Bytes each request leaves behind for good.
    pub leak_bytes_per_request: u64,
    /// Time that the process spends reclaiming memory, stalled, before it is killed.
    pub reclaim_ms: f64,
    /// Time from the process's death until it takes requests again.
    pub restart_ms: f64,
    /// Garbage each request makes for each byte of working memory; 0 where there is no collector.
    pub garbage_factor: f64,
    /// Share of the budget that live memory and garbage may fill before a collection.
    pub gc_threshold: f64,
    /// How long a collection stops the process.
    pub gc_pause: Dist,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            budget_bytes: 4 << 30,
            // ms-marco-MiniLM-L12-v2 is 33 million parameters of 4 bytes (Hugging Face model
            // card); a PyTorch process with CUDA loaded takes about 1 GiB besides.
            base_bytes: 1 << 30,
            bytes_per_input_byte: 1024.0,
            leak_bytes_per_request: 0,
            reclaim_ms: 0.0,
            // Kubernetes restarts a crashed container after 10 s at first (Pod lifecycle).
            restart_ms: 10_000.0,
            garbage_factor: 0.0,
            gc_threshold: 0.8,
            gc_pause: Dist::fixed(0.0),
        }
    }
}

/// Inference engine with continuous batching.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Llm {
    /// Copies, at least 1.
    pub instances: u32,
    /// Value of `gen_ai.request.model`.
    pub model: String,
    /// Sequences in the running batch at most, at least 1 (vLLM's name).
    pub max_num_seqs: u32,
    /// Tokens computed in one iteration at most, at least 1 (vLLM's name).
    pub max_num_batched_tokens: u32,
    /// Tokens in a KV-cache block, at least 1 (vLLM's name).
    pub block_size: u32,
    /// KV-cache blocks of one copy, at least 1 (vLLM's name).
    pub num_gpu_blocks: u32,
    /// Requests that may wait; more are answered with 503.
    pub queue_bound: u32,
    /// Time of an iteration that decodes one sequence.
    pub decode_base_ms: f64,
    /// Time that each further decoding sequence adds to the iteration.
    pub decode_per_seq_ms: f64,
    /// Time for each prompt token computed in the iteration.
    pub prefill_per_token_ms: f64,
}

impl Default for Llm {
    fn default() -> Self {
        Llm {
            instances: 1,
            model: "llama-2-70b".to_owned(),
            // vLLM's engine arguments: max_num_seqs 256, max_num_batched_tokens 8,192, block_size
            // 16.
            max_num_seqs: 256,
            max_num_batched_tokens: 8192,
            block_size: 16,
            // Llama-2-70B on 8 GPUs of 80 GB: 0.9 of the memory (vLLM's gpu_memory_utilization)
            // less 140 GB of weights, at 320 KiB a token (80 layers, 8 KV heads of 128, keys and
            // values, 2 bytes).
            num_gpu_blocks: 83_000,
            queue_bound: 2048,
            // Splitwise (Patel et al., ISCA 2024, arXiv 2311.18677): Llama-2-70B on 8 H100, without
            // batching, time between tokens 28 ms, time to first token 84 ms for a median prompt of
            // 1,020 tokens.
            decode_base_ms: 28.0,
            decode_per_seq_ms: 0.25,
            prefill_per_token_ms: 0.082,
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
            queue_bound: 1000,
            workers: 1,
            service_time: Dist::lognormal(10.0, 0.3),
        }
    }
}

/// How a downstream service is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallPlan {
    /// Deadline of one attempt; 0 for none but the request's own.
    pub timeout_ms: f64,
    /// Attempts at most, at least 1.
    pub attempts: u32,
    /// Mean wait before the second attempt; it doubles with every further one, with full jitter.
    pub backoff_ms: f64,
    /// Time after which a second copy of the call is sent and the first answer taken; 0 for never.
    pub hedge_after_ms: f64,
}

impl Default for CallPlan {
    fn default() -> Self {
        CallPlan {
            timeout_ms: 0.0,
            attempts: 1,
            // gRPC's own retry examples and AWS's SDKs start at 100 ms (gRFC A6; AWS SDK standard
            // retry mode).
            backoff_ms: 100.0,
            hedge_after_ms: 0.0,
        }
    }
}
