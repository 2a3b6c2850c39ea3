//! Checks of meaning: what a file says against the system it describes. One file for each part.

mod arrivals;
mod behaviours;
mod beside;
mod expectations;
mod faults;
mod graph;
mod index;
mod memory;
mod phases;
mod services;
mod stages;
mod zones;

pub(crate) use arrivals::check_workload;
pub(crate) use expectations::check_expectations;
pub(crate) use faults::check_fault;
pub(crate) use phases::check_phases;

use ragdoll_model::Topology;

use crate::document::{KeyPath, Problems};
use index::check_index;
use memory::check_memory;

/// What the ranges of single keys do not say about a topology.
pub(crate) fn check_topology(topology: &Topology, problems: &mut Problems<'_, '_>) {
    let path = KeyPath::default().key("topology");
    let instances = u64::from(topology.vector_db.shards) * u64::from(topology.vector_db.replicas);
    if instances > graph::INSTANCES_MAX {
        problems.add(
            &path.dotted("vector_db.shards"),
            format!("times `replicas` makes {instances} shard instances"),
            format!("use at most {}", graph::INSTANCES_MAX),
        );
    }
    if topology.corpus.topics > topology.corpus.documents {
        let (topics, documents) = (topology.corpus.topics, topology.corpus.documents);
        problems.add(
            &path.dotted("corpus.topics"),
            format!("is {topics}, with {documents} documents"),
            "use at most one topic a document",
        );
    }
    check_index(&topology.shard.index, &path.dotted("shard.index"), problems);
    let memory = path.dotted("reranker.memory");
    check_memory(&topology.reranker.memory, &memory, problems);
    zones::check_zones(topology, &path.key("network"), problems);
    graph::check_graph(topology, &path, problems);
}
