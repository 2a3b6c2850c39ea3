//! Reranker: a cross-encoder whose memory and time grow with the documents it is given.

use std::sync::Arc;

use ragdoll_model::proto::reranker_server::Reranker;
use ragdoll_model::proto::{RerankRequest, RerankResponse};
use ragdoll_model::retrieval::vector_from_bytes;
use ragdoll_model::{Hit, topology};
use ragdoll_resources::{Cpu, Instance, Memory, Workers};
use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::log;
use tonic::{Request, Response, Status};

use crate::client::context_of;
use crate::corpus::Corpus;

/// The reranker's gRPC service.
#[derive(Clone)]
pub struct RerankerStub {
    instance: Arc<Instance>,
    spec: topology::Reranker,
    workers: Arc<Workers>,
    memory: Arc<Memory>,
    cpu: Arc<Cpu>,
    corpus: Arc<Corpus>,
}

impl RerankerStub {
    /// A reranker that can read `corpus`.
    pub fn new(instance: &Arc<Instance>, spec: &topology::Reranker, corpus: Arc<Corpus>) -> Self {
        RerankerStub {
            instance: instance.clone(),
            workers: Workers::with_shedding(
                instance,
                spec.workers,
                spec.queue_bound,
                spec.shedding,
            ),
            memory: Memory::new(instance, spec.memory.clone()),
            cpu: Cpu::new(instance, spec.cpu_cores, spec.cpu_quota_ms),
            spec: spec.clone(),
            corpus,
        }
    }
}

#[tonic::async_trait]
impl Reranker for RerankerStub {
    async fn rerank(
        &self,
        request: Request<RerankRequest>,
    ) -> Result<Response<RerankResponse>, Status> {
        if !self.spec.finishes_abandoned {
            return self.serve(request).await;
        }
        // A task of its own does not end when the caller hangs up.
        let stub = self.clone();
        let serving = tokio::spawn(async move {
            let process = &stub.instance.process;
            process.or_death(stub.serve(request)).await
        });
        match serving.await {
            Ok(Some(answer)) => answer,
            // The process died; its server stack answers in its place.
            Ok(None) => std::future::pending().await,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime is ending, and nobody reads an answer.
                Err(_) => std::future::pending().await,
            },
        }
    }
}

impl RerankerStub {
    async fn serve(
        &self,
        request: Request<RerankRequest>,
    ) -> Result<Response<RerankResponse>, Status> {
        let context = context_of(&request);
        let rerank = request.into_inner();
        let candidates = rerank.candidates.unwrap_or_default();
        let size_bytes = candidates.size_bytes.iter().sum();
        let _worker = self.workers.acquire(&context).await?;
        let _memory = self.memory.allocate(&context, size_bytes).await;
        let documents_ms = self.spec.per_document_ms * candidates.documents.len() as f64;
        let work_us = self
            .workers
            .service_time_us(&context, &self.spec.service_time)
            + self.workers.scaled_us(&context, ms_to_us(documents_ms));
        self.cpu.run(&context, work_us).await;

        let vector = vector_from_bytes(&rerank.vector);
        let mut hits: Vec<Hit> = candidates.iter().collect();
        self.corpus.rerank(&vector, &mut hits);
        log!(
            info,
            self.instance.telemetry,
            context,
            "documents reranked",
            documents = hits.len() as u64,
            size_bytes = size_bytes,
        );
        hits.truncate(rerank.limit as usize);
        let hits = Some(hits.into_iter().collect());
        Ok(Response::new(RerankResponse { hits }))
    }
}
