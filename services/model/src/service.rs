//! The services of the system under test, and how they are written in files.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{LazyLock, PoisonError, RwLock};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::names::{Entry, LENGTH_MAX, Named, PATTERN, WELL_KNOWN, is_label, path_of};

/// A service of the system under test. Its name is the value of `service.name` in telemetry, and what
/// stands for it in files. Equal names are one service; those of the RAG system are ordered before all others, and
/// these by their names.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Service(&'static Entry);

const fn own(rank: u8, name: &'static str, path: &'static str) -> Entry {
    Entry { rank, name, path }
}

impl Service {
    /// The load generator, which stands for the users' applications.
    pub const CLIENT: Service = Service(&own(0, "client", "/client.v1.ClientService/Call"));
    /// HTTP edge that runs the request path.
    pub const GATEWAY: Service = Service(&own(1, "gateway", "/gateway.v1.GatewayService/Call"));
    /// Metadata store: who may see what, behind a lock.
    pub const METADATA: Service = Service(&own(2, "metadata", "/metadata.v1.MetadataService/Call"));
    /// Text to vector, in batches.
    pub const EMBEDDER: Service = Service(&own(3, "embedder", "/embedder.v1.EmbedderService/Call"));
    /// Coordinator that fans a search out over the shards.
    pub const VECTOR_DB: Service =
        Service(&own(4, "vector-db", "/vector_db.v1.VectorDbService/Call"));
    /// One replica of one partition of the index.
    pub const SHARD: Service = Service(&own(5, "shard", "/shard.v1.ShardService/Call"));
    /// Cross-encoder over the candidates.
    pub const RERANKER: Service = Service(&own(6, "reranker", "/reranker.v1.RerankerService/Call"));
    /// Inference engine with an OpenAI-style HTTP interface.
    pub const LLM: Service = Service(&own(7, "llm", "/llm.v1.LlmService/Call"));
    /// HTTP edge that accepts documents and puts them on the queue.
    pub const INGEST_API: Service = Service(&own(
        8,
        "ingest-api",
        "/ingest_api.v1.IngestApiService/Call",
    ));
    /// Takes documents from the queue, embeds them and writes them to the shards.
    pub const INGEST_WORKER: Service = Service(&own(
        9,
        "ingest-worker",
        "/ingest_worker.v1.IngestWorkerService/Call",
    ));

    /// Every service of the RAG system, in the order in which a request first meets them.
    pub const ALL: [Service; 10] = [
        Service::CLIENT,
        Service::GATEWAY,
        Service::METADATA,
        Service::EMBEDDER,
        Service::VECTOR_DB,
        Service::SHARD,
        Service::RERANKER,
        Service::LLM,
        Service::INGEST_API,
        Service::INGEST_WORKER,
    ];

    /// Forty services of a shop, in the order of their names.
    pub fn well_known() -> impl Iterator<Item = Service> {
        let service = |(name, _)| named(name).expect("a well-known name is one");
        WELL_KNOWN.into_iter().map(service)
    }

    /// The value of `service.name`.
    pub const fn name(self) -> &'static str {
        self.0.name
    }

    /// Path of the gRPC method that it answers as a service of a graph, such as `/shop.v1.CartService/GetCart`.
    pub const fn path(self) -> &'static str {
        self.0.path
    }

    /// The same as spans name it: without the first slash.
    pub fn method(self) -> &'static str {
        &self.path()[1..]
    }

    /// The service with this `service.name`; none where no service may be called so, see
    /// [`NAME_RULES`](crate::names::NAME_RULES).
    pub fn from_name(name: &str) -> Option<Service> {
        named(name)
    }

    /// The service of a graph that answers a gRPC method, which is given as in [`Service::method`], if its
    /// name was met before.
    pub fn of_method(method: &str) -> Option<Service> {
        of_method(method)
    }
}

/// Names that were met, by text and by gRPC method. They are kept for good, so that a name is as cheap to pass on as
/// a number; there are as many as files name services.
struct Known {
    by_name: BTreeMap<&'static str, Service>,
    by_method: BTreeMap<&'static str, Service>,
}

impl Known {
    fn add(&mut self, new: Service) {
        self.by_name.insert(new.name(), new);
        self.by_method.insert(new.method(), new);
    }
}

static KNOWN: LazyLock<RwLock<Known>> = LazyLock::new(|| {
    let mut known = Known {
        by_name: BTreeMap::new(),
        by_method: BTreeMap::new(),
    };
    Service::ALL.into_iter().for_each(|own| known.add(own));
    RwLock::new(known)
});

/// The service of this name, where one may be called so.
fn named(name: &str) -> Option<Service> {
    let met = {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        known.by_name.get(name).copied()
    };
    met.or_else(|| is_label(name).then(|| intern(name)))
}

/// The service that answers a gRPC method, if its name was met.
fn of_method(method: &str) -> Option<Service> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    known.by_method.get(method).copied()
}

fn intern(name: &str) -> Service {
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    // Another thread may have been quicker.
    if let Some(&met) = known.by_name.get(name) {
        return met;
    }
    let new = Service(Box::leak(Box::new(Entry {
        rank: Entry::OTHERS,
        name: name.to_owned().leak(),
        path: path_of(name).leak(),
    })));
    known.add(new);
    new
}

impl PartialOrd for Service {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Service {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.rank, self.0.name).cmp(&(other.0.rank, other.0.name))
    }
}

impl Hash for Service {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
        let own: Vec<Value> = Service::ALL.into_iter().map(described).collect();
        json_schema!({
            "description": "A service of the system under test. Its name is the value of `service.name` in telemetry. \
                            It does not end in a hyphen and a number, as instances do.",
            "anyOf": [
                { "oneOf": own },
                { "type": "string", "pattern": PATTERN, "maxLength": LENGTH_MAX },
            ],
        })
    }
}

/// What a service is, in the words that an editor shows.
fn description(service: Service) -> &'static str {
    match service {
        Service::CLIENT => "The load generator, which stands for the users' applications.",
        Service::GATEWAY => "HTTP edge that runs the request path.",
        Service::METADATA => "Metadata store: who may see what, behind a lock.",
        Service::EMBEDDER => "Text to vector, in batches.",
        Service::VECTOR_DB => "Coordinator that fans a search out over the shards.",
        Service::SHARD => "One replica of one partition of the index.",
        Service::RERANKER => "Cross-encoder over the candidates.",
        Service::LLM => "Inference engine with an OpenAI-style HTTP interface.",
        Service::INGEST_API => "HTTP edge that accepts documents and puts them on the queue.",
        Service::INGEST_WORKER => {
            "Takes documents from the queue, embeds them and writes them to the shards."
        }
        _ => "A service of a graph.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> Service {
        Service::from_name(name).unwrap_or_else(|| panic!("{name:?} is no name"))
    }

    #[test]
    fn every_service_is_read_back_from_its_name() {
        let own = ["guard", "a", "feature-store", "s3", "cart-v2"].map(service);
        for service in Service::ALL
            .into_iter()
            .chain(Service::well_known())
            .chain(own)
        {
            let text = serde_json::to_string(&service).expect("a name");
            assert_eq!(text, format!("\"{}\"", service.name()));
            let back: Service = serde_json::from_str(&text).expect("the same service");
            assert_eq!(back, service);
            assert_eq!(Service::of_method(service.method()), Some(service));
        }
        assert_eq!(Service::of_method("nobody.v1.NobodyService/Call"), None);
    }

    #[test]
    fn what_could_be_taken_for_something_else_is_no_name() {
        let long = "a".repeat(41);
        let names = [
            "",
            "Cart",
            "1st",
            "-a",
            "a-",
            "a--b",
            "cart-0",
            "cart-v2-17",
            "a b",
            "ä",
            &long,
        ];
        for name in names {
            assert_eq!(Service::from_name(name), None, "{name:?}");
        }
        let error = serde_json::from_str::<Service>("\"Lmm\"").expect_err("no service");
        assert!(error.to_string().contains("\"Lmm\""), "{error}");
    }

    #[test]
    fn services_of_rag_come_first_and_the_others_by_name() {
        assert!(Service::ALL.is_sorted());
        assert!(Service::well_known().is_sorted());
        assert!(Service::INGEST_WORKER < service("cart"));
        assert!(service("cart") < service("guard") && service("guard") < service("tax"));
        assert_eq!(service("llm"), Service::LLM);
        assert!(matches!(service("llm"), Service::LLM));
    }

    #[test]
    fn a_method_is_the_usual_one_or_made_of_the_name() {
        let path = "/feature_store.v1.FeatureStoreService/Call";
        assert_eq!(service("feature-store").path(), path);
        assert_eq!(service("cart").path(), "/shop.v1.CartService/GetCart");
        for own in Service::ALL {
            let short = own.name().replace('-', "_");
            assert!(own.path().starts_with(&format!("/{short}.v1.")), "{own}");
        }
    }
}
