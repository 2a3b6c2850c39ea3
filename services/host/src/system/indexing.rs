//! The asynchronous indexing path of the RAG system.

use std::sync::Arc;

use ragdoll_model::{InstanceId, Service};
use ragdoll_stubs::{Corpus, ingest};

use super::Wiring;

impl Wiring<'_> {
    /// Starts the ingest API and its workers, with a queue between them where they are here.
    pub(super) fn start_ingest(&self, corpus: &Arc<Corpus>) -> Arc<ingest::Queue> {
        let spec = &self.topology.ingest;
        let queue = ingest::Queue::new(spec.queue_bound);
        let messages: Arc<dyn ingest::Messages> = match &self.messages {
            Some(messages) => messages.clone(),
            None => queue.clone(),
        };
        for instance in self.instances_of(Service::INGEST_API) {
            self.serve_http(&instance, ingest::router(&instance, &queue));
        }
        for instance in self.instances_of(Service::INGEST_WORKER) {
            let partitions = (0..self.topology.vector_db.shards).map(|partition| {
                (0..self.topology.vector_db.replicas)
                    .map(|replica| {
                        self.client(&instance.id, vec![InstanceId::shard(partition, replica)])
                    })
                    .collect()
            });
            let embedder = self.client_of(&instance.id, Service::EMBEDDER);
            let worker = ingest::Worker::new(
                &instance,
                spec,
                &messages,
                corpus,
                embedder,
                partitions.collect(),
            );
            tokio::spawn(worker.run());
        }
        queue
    }
}
