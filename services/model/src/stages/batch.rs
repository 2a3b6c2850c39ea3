//! Work for several requests together.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::distribution::Dist;

/// Dynamic batching: a free server takes what waits, up to a limit, and works on it at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Batch {
    /// Batches that are worked on at once, at least 1.
    #[schemars(range(min = 1))]
    pub servers: u32,
    /// Requests in a batch at most, at least 1.
    #[schemars(range(min = 1))]
    pub max_batch: u32,
    /// Requests that may wait; more are answered with RESOURCE_EXHAUSTED.
    pub queue_bound: u32,
    /// Time of a batch of one.
    pub service_time: Dist,
    /// Time that each further request adds to its batch.
    #[schemars(range(min = 0.0))]
    pub per_item_ms: f64,
}

impl Default for Batch {
    fn default() -> Self {
        // As the embedder of the RAG system has it, with the sources there.
        let embedder = crate::topology::Embedder::default();
        Batch {
            servers: embedder.workers,
            max_batch: embedder.max_batch,
            queue_bound: embedder.queue_bound,
            service_time: embedder.service_time,
            per_item_ms: embedder.per_item_ms,
        }
    }
}
