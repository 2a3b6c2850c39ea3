//! The services of the system under test, and how they are written in files.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::names::{Named, ServiceName, constant};

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

impl From<ServiceName> for Service {
    fn from(name: ServiceName) -> Service {
        Service::Generic(name)
    }
}

impl Serialize for Service {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Named("the name of a service", Service::from_name))
    }
}

impl JsonSchema for Service {
    fn schema_name() -> Cow<'static, str> {
        "Service".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let described = |service: Service| {
            json!({
                "description": description(service),
                "type": "string",
                "const": service.name(),
            })
        };
        let own = Service::ALL.into_iter().map(described);
        let names: Vec<Value> = own.chain(ServiceName::all().map(constant)).collect();
        json_schema!({
            "description": "A service of the system under test. Its name is the value of `service.name` in telemetry.",
            "oneOf": names,
        })
    }
}

/// What a service is, in the words that an editor shows.
const fn description(service: Service) -> &'static str {
    match service {
        Service::Client => "The load generator, which stands for the users' applications.",
        Service::Gateway => "HTTP edge that runs the request path.",
        Service::Metadata => "Metadata store: who may see what, behind a lock.",
        Service::Embedder => "Text to vector, in batches.",
        Service::VectorDb => "Coordinator that fans a search out over the shards.",
        Service::Shard => "One replica of one partition of the index.",
        Service::Reranker => "Cross-encoder over the candidates.",
        Service::Llm => "Inference engine with an OpenAI-style HTTP interface.",
        Service::IngestApi => "HTTP edge that accepts documents and puts them on the queue.",
        Service::IngestWorker => {
            "Takes documents from the queue, embeds them and writes them to the shards."
        }
        Service::Generic(_) => "A service of a graph.",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_service_is_read_back_from_its_name() {
        let graphs = ServiceName::all().map(Service::Generic);
        for service in Service::ALL.into_iter().chain(graphs) {
            let text = serde_json::to_string(&service).expect("a name");
            assert_eq!(text, format!("\"{}\"", service.name()));
            let back: Service = serde_json::from_str(&text).expect("the same service");
            assert_eq!(back, service);
            assert_eq!(Service::from_name(service.name()), Some(service));
        }
        let error = serde_json::from_str::<Service>("\"lmm\"").expect_err("no service");
        assert!(error.to_string().contains("\"lmm\""), "{error}");
        let error = serde_json::from_str::<ServiceName>("\"llm\"").expect_err("no graph has it");
        assert!(error.to_string().contains("of a graph"), "{error}");
    }

    #[test]
    fn names_and_methods_are_unique_and_sorted() {
        let names: Vec<&str> = ServiceName::all().map(ServiceName::name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let others = Service::ALL.map(Service::name);
        let all: BTreeSet<&str> = names.iter().copied().chain(others).collect();
        assert_eq!(all.len(), ServiceName::COUNT + others.len());
        let methods: BTreeSet<&str> = ServiceName::all().map(ServiceName::method).collect();
        assert_eq!(methods.len(), ServiceName::COUNT);
        for name in ServiceName::all() {
            assert_eq!(ServiceName::of_method(name.method()), Some(name));
        }
    }

    #[test]
    fn the_schema_knows_every_name() {
        let schema = schemars::schema_for!(Service);
        let names = schema
            .get("oneOf")
            .and_then(Value::as_array)
            .expect("names");
        let names: Vec<&str> = names
            .iter()
            .filter_map(|one| one["const"].as_str())
            .collect();
        let graphs = ServiceName::all().map(Service::Generic);
        let all: Vec<&str> = Service::ALL
            .into_iter()
            .chain(graphs)
            .map(Service::name)
            .collect();
        assert_eq!(names, all);
    }
}
