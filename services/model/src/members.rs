//! What is known of each service of a topology, whether that is the RAG system or a graph.

use crate::graph::GraphService;
use crate::ids::InstanceId;
use crate::resources::Memory;
use crate::service::Service;
use crate::topology::Topology;

impl Topology {
    /// Every service of the system, the client first: in the order of [`Service::ALL`], or of the
    /// graph.
    pub fn services(&self) -> Vec<Service> {
        if self.graph.is_empty() {
            return Service::ALL.to_vec();
        }
        let named = self.graph.services.iter().map(|service| service.name);
        std::iter::once(Service::CLIENT).chain(named).collect()
    }

    /// The service that users' queries come to.
    pub fn entry(&self) -> Service {
        let entry = self.graph.entry();
        entry.map_or(Service::GATEWAY, |entry| entry.name)
    }

    /// Every instance of a service, in a fixed order; none of one that the system does not have.
    pub fn instances_of(&self, service: Service) -> Vec<InstanceId> {
        if !self.graph.is_empty() && service != Service::CLIENT {
            let found = self.graph.service(service).into_iter();
            return found.flat_map(|service| service.instances()).collect();
        }
        let count = match service {
            Service::CLIENT | Service::INGEST_API => 1,
            Service::GATEWAY => self.gateway.instances,
            Service::METADATA => self.metadata.instances,
            Service::EMBEDDER => self.embedder.instances,
            Service::VECTOR_DB => self.vector_db.instances,
            Service::RERANKER => self.reranker.instances,
            Service::LLM => self.llm.instances,
            Service::INGEST_WORKER => self.ingest.workers,
            Service::SHARD => {
                let replicas = self.vector_db.replicas;
                return (0..self.vector_db.shards)
                    .flat_map(|partition| {
                        (0..replicas).map(move |replica| InstanceId::shard(partition, replica))
                    })
                    .collect();
            }
            _ => 0,
        };
        (0..count)
            .map(|index| InstanceId::new(service, index))
            .collect()
    }

    /// Every instance of every service, in the order of [`Topology::services`].
    pub fn instances(&self) -> Vec<InstanceId> {
        self.services()
            .into_iter()
            .flat_map(|service| self.instances_of(service))
            .collect()
    }

    /// The memory of one instance of a service, where it has bounds.
    pub fn memory(&self, service: Service) -> Option<&Memory> {
        if self.graph.is_empty() {
            return (service == Service::RERANKER).then_some(&self.reranker.memory);
        }
        self.graph.service(service)?.memory.as_ref()
    }

    /// Processors of one instance of a service; 1 where the model has no such limit.
    pub fn cores(&self, service: Service) -> u32 {
        if self.graph.is_empty() {
            return if service == Service::RERANKER {
                self.reranker.cpu_cores
            } else {
                1
            };
        }
        self.graph.service(service).map_or(1, GraphService::cores)
    }

    /// Whether another service, or the client, calls this one.
    pub fn is_called(&self, service: Service) -> bool {
        let is_worker = service == Service::INGEST_WORKER && self.takes_documents();
        service != Service::CLIENT && !is_worker
    }

    /// Whether queries find documents.
    pub fn retrieves(&self) -> bool {
        self.graph.is_empty() || self.graph.retrieves()
    }

    /// Whether the system has documents, which users send and queries find.
    pub fn takes_documents(&self) -> bool {
        self.graph.is_empty()
    }

    /// Whether a service is asked over HTTP, and not over gRPC. Whoever serves nothing is asked for its health
    /// alone, over HTTP.
    pub fn speaks_http(&self, service: Service) -> bool {
        if !self.graph.is_empty() {
            return service == self.entry() || service == Service::CLIENT;
        }
        matches!(
            service,
            Service::CLIENT
                | Service::GATEWAY
                | Service::LLM
                | Service::INGEST_API
                | Service::INGEST_WORKER
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::links::GraphCall;

    #[test]
    fn a_graph_may_have_services_of_the_names_that_the_rag_system_has() {
        let mut entry = GraphService::new(Service::RERANKER);
        entry.calls = vec![GraphCall::new(Service::LLM)];
        let mut llm = GraphService::new(Service::LLM);
        llm.memory = Some(Memory::default());
        llm.instances = 2;
        let mut topology = Topology::default();
        assert_eq!(topology.instances_of(Service::GATEWAY).len(), 1);
        assert!(topology.memory(Service::RERANKER).is_some());
        assert!(topology.speaks_http(Service::LLM));
        topology.graph.services = vec![entry, llm];
        assert_eq!(
            topology.services(),
            [Service::CLIENT, Service::RERANKER, Service::LLM]
        );
        assert_eq!(topology.instances_of(Service::LLM).len(), 2);
        assert!(topology.instances_of(Service::GATEWAY).is_empty());
        assert!(topology.memory(Service::RERANKER).is_none());
        assert!(topology.memory(Service::LLM).is_some());
        assert!(topology.speaks_http(Service::RERANKER) && !topology.speaks_http(Service::LLM));
    }
}
