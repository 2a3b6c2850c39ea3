//! Embedder: texts wait for a batch, and a batch becomes vectors.

use std::sync::Arc;

use ragdoll_model::proto::embedder_server::Embedder;
use ragdoll_model::proto::{EmbedRequest, EmbedResponse};
use ragdoll_model::retrieval::vector_to_bytes;
use ragdoll_model::topology;
use ragdoll_resources::batcher::BatchSpec;
use ragdoll_resources::{Batcher, Instance};
use tonic::{Request, Response, Status};

use crate::client::context_of;
use crate::corpus::Corpus;

/// The embedder's gRPC service.
#[derive(Clone)]
pub struct EmbedderStub {
    batcher: Arc<Batcher>,
    corpus: Arc<Corpus>,
}

impl EmbedderStub {
    /// An embedder whose vectors lie in `corpus`'s space.
    pub fn new(instance: &Arc<Instance>, spec: &topology::Embedder, corpus: Arc<Corpus>) -> Self {
        let batches = BatchSpec {
            servers: spec.workers,
            queue_bound: spec.queue_bound,
            max_batch: spec.max_batch,
            service_time: spec.service_time,
            per_item_ms: spec.per_item_ms,
            shedding: spec.shedding,
        };
        EmbedderStub {
            batcher: Batcher::new(instance, batches),
            corpus,
        }
    }
}

#[tonic::async_trait]
impl Embedder for EmbedderStub {
    async fn embed(
        &self,
        request: Request<EmbedRequest>,
    ) -> Result<Response<EmbedResponse>, Status> {
        let context = context_of(&request);
        let text = request.into_inner().text;
        self.batcher.serve(&context).await?;
        Ok(Response::new(EmbedResponse {
            vector: vector_to_bytes(&self.corpus.embed(&text)),
            tokens: text.split_whitespace().count() as u32,
        }))
    }
}
