//! The services behind the gateway, and how it calls them.

use std::sync::Arc;

use ragdoll_model::topology;
use ragdoll_resources::{Callee, Instance};

/// The services behind the gateway as it calls them.
pub(super) struct Callees {
    pub(super) metadata: Callee,
    pub(super) embedder: Callee,
    pub(super) vector_db: Callee,
    pub(super) reranker: Callee,
    pub(super) llm: Callee,
}

impl Callees {
    /// Nobody has called them yet.
    pub(super) fn new(instance: &Arc<Instance>, spec: &topology::Gateway) -> Self {
        let callee = |name, plan| Callee::new(instance, name, plan);
        Callees {
            metadata: callee("metadata", &spec.metadata_call),
            embedder: callee("embedder", &spec.embedder_call),
            vector_db: callee("vector-db", &spec.vector_db_call),
            reranker: callee("reranker", &spec.reranker_call),
            llm: callee("llm", &spec.llm_call),
        }
    }
}
