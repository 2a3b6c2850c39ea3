//! Identities: services, instances, requests.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::names::ServiceName;

/// A service of the system under test. Its name is the value of `service.name` in telemetry, and what
/// stands for it in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The load generator, which stands for the users' applications.
    Client,
    /// HTTP edge that runs the request path.
    Gateway,
    /// Metadata store: who may see what, behind a lock.
    Metadata,
    /// Text to vector, in batches.
    Embedder,
    /// Coordinator that fans a search out over the shards.
    VectorDb,
    /// One replica of one partition of the index.
    Shard,
    /// Cross-encoder over the candidates.
    Reranker,
    /// Inference engine with an OpenAI-style HTTP interface.
    Llm,
    /// HTTP edge that accepts documents and puts them on the queue.
    IngestApi,
    /// Takes documents from the queue, embeds them and writes them to the shards.
    IngestWorker,
    /// A service of a graph.
    Generic(ServiceName),
}

impl Service {
    /// Every service of the RAG system, in the order in which a request first meets them. Those of a
    /// graph are in [`ServiceName::all`].
    pub const ALL: [Service; 10] = [
        Service::Client,
        Service::Gateway,
        Service::Metadata,
        Service::Embedder,
        Service::VectorDb,
        Service::Shard,
        Service::Reranker,
        Service::Llm,
        Service::IngestApi,
        Service::IngestWorker,
    ];

    /// The value of `service.name`.
    pub const fn name(self) -> &'static str {
        match self {
            Service::Client => "client",
            Service::Gateway => "gateway",
            Service::Metadata => "metadata",
            Service::Embedder => "embedder",
            Service::VectorDb => "vector-db",
            Service::Shard => "shard",
            Service::Reranker => "reranker",
            Service::Llm => "llm",
            Service::IngestApi => "ingest-api",
            Service::IngestWorker => "ingest-worker",
            Service::Generic(name) => name.name(),
        }
    }

    /// The service with this `service.name`, if there is one.
    pub fn from_name(name: &str) -> Option<Service> {
        let own = Service::ALL.into_iter();
        let graphs = || ServiceName::from_name(name).map(Service::Generic);
        own.into_iter()
            .find(|service| service.name() == name)
            .or_else(graphs)
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One running copy of a service. Its name is the value of `service.instance.id`, for example
/// `reranker-0`, or `shard-2-1` for replica 1 of partition 2.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId {
    service: Service,
    name: Arc<str>,
}

impl InstanceId {
    /// Copy number `index` of a service that is not partitioned.
    pub fn new(service: Service, index: u32) -> Self {
        InstanceId {
            service,
            name: format!("{service}-{index}").into(),
        }
    }

    /// Replica `replica` of partition `partition`.
    pub fn shard(partition: u32, replica: u32) -> Self {
        InstanceId {
            service: Service::Shard,
            name: format!("{}-{partition}-{replica}", Service::Shard).into(),
        }
    }

    /// The service this is a copy of.
    pub fn service(&self) -> Service {
        self.service
    }

    /// The value of `service.instance.id`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same, to keep without a copy.
    pub fn shared_name(&self) -> Arc<str> {
        self.name.clone()
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Number of a request within a run, counted from 0 in the order of intended send times.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct RequestId(pub u64);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
