//! What every other crate agrees on: identities, messages, and the description of a system and of
//! the load on it. Data only; nothing here acts.

pub mod api;
pub mod distribution;
pub mod graph;
pub mod ids;
pub mod links;
mod llm;
mod members;
pub mod mitigation;
pub mod names;
pub mod presets;
mod resources;
pub mod retrieval;
mod service;
pub mod stages;
pub mod topology;
mod vector_index;
pub mod workload;
pub mod zones;

/// gRPC messages, clients and servers generated from `proto/ragdoll.proto`.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
pub mod proto {
    tonic::include_proto!("ragdoll.v1");
}

pub use distribution::{Dist, TokenDist};
pub use graph::{Graph, GraphService};
pub use ids::{InstanceId, RequestId};
pub use links::{GraphCall, GraphLock, GraphPool};
pub use retrieval::Hit;
pub use service::Service;
pub use stages::Stage;
pub use topology::Topology;
pub use workload::{Arrivals, Workload};
pub use zones::{DEFAULT_ZONE, Zone, ZoneLatency};
