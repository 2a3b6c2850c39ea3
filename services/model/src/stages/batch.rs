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
        // An embedder.
        Batch {
            // Assumption: one model on one GPU computes one batch at a time.
            servers: 1,
            // Text Embeddings Inference: `max_concurrent_requests` 512, `max_client_batch_size` 32
            // (router/src/main.rs).
            queue_bound: 512,
            max_batch: 32,
            // Assumption, no figure is published for this model alone: the order of one pass of a
            // 12-layer encoder with each kernel launched from the host.
            service_time: Dist::lognormal(8.0, 0.2),
            // all-mpnet-base-v2 encodes 2,800 sentences a second on a V100 (sbert.net, "Pretrained
            // Models"). The batch's fixed cost is in that average, which errs on the slow side.
            per_item_ms: 0.36,
        }
    }
}
