//! A whole system on one network, started from its leaves.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use ragdoll_fault_layers::Injector;
use ragdoll_model::proto::embedder_server::EmbedderServer;
use ragdoll_model::proto::metadata_server::MetadataServer;
use ragdoll_model::proto::reranker_server::RerankerServer;
use ragdoll_model::proto::shard_server::ShardServer;
use ragdoll_model::proto::vector_db_server::VectorDbServer;
use ragdoll_model::{InstanceId, Service, Topology};
use ragdoll_resources::Instance;
use ragdoll_runtime::{Body, BoxService, Clock, Network, Request, Streams};
use ragdoll_stubs::embedder::EmbedderStub;
use ragdoll_stubs::gateway::{self, Downstream};
use ragdoll_stubs::metadata::MetadataStub;
use ragdoll_stubs::reranker::RerankerStub;
use ragdoll_stubs::shard::ShardStub;
use ragdoll_stubs::vector_db::VectorDbStub;
use ragdoll_stubs::{Client, Corpus, ingest, llm};
use ragdoll_telemetry::{Exporter, Telemetry};
use tower::ServiceExt;

use crate::stack::{client_stack, server_stack};

/// How often every gauge is sampled.
const GAUGE_INTERVAL_US: u64 = 1_000_000;

/// A running system.
pub struct System {
    /// Every instance, in the order of their ids; telemetry refers to them by position.
    pub instances: Vec<Arc<Instance>>,
    /// What the index holds.
    pub corpus: Arc<Corpus>,
    /// The load generator's way in: `POST /v1/query`.
    pub gateway: Client,
    /// The load generator's way in: `POST /v1/documents`.
    pub ingest: Client,
}

impl System {
    /// Starts every instance of `topology` on a virtual network.
    pub fn start(
        clock: &Clock,
        topology: &Topology,
        streams: &Streams,
        exporter: &Exporter,
        injector: &Injector,
    ) -> System {
        let wiring = Wiring::new(clock, topology, streams, exporter, injector);
        let corpus = Corpus::new(&topology.corpus, streams);
        wiring.start_leaves(&corpus);
        wiring.start_vector_db();
        wiring.start_gateways();
        wiring.start_ingest(&corpus);
        wiring.start_gauges();
        let client = InstanceId::new(Service::Client, 0);
        System {
            corpus,
            gateway: wiring.client_of(&client, Service::Gateway),
            ingest: wiring.client_of(&client, Service::IngestApi),
            instances: wiring.instances.into_values().collect(),
        }
    }
}

struct Wiring<'a> {
    clock: &'a Clock,
    topology: &'a Topology,
    injector: &'a Injector,
    network: Network,
    instances: BTreeMap<InstanceId, Arc<Instance>>,
}

impl<'a> Wiring<'a> {
    fn new(
        clock: &'a Clock,
        topology: &'a Topology,
        streams: &Streams,
        exporter: &Exporter,
        injector: &'a Injector,
    ) -> Self {
        let random = streams.stream("instances");
        let mut ids = topology.instances();
        ids.sort();
        let instances = ids.into_iter().enumerate().map(|(index, id)| {
            let own = random.child(id.name());
            let telemetry = Telemetry::new(
                clock.clone(),
                id.clone(),
                index as u32,
                own,
                exporter.clone(),
            );
            let instance = Instance::new(id.clone(), telemetry, own);
            injector.schedule(clock, &id, &instance.controls);
            (id, instance)
        });
        Wiring {
            clock,
            topology,
            injector,
            network: Network::new(
                clock.clone(),
                streams.stream("network"),
                topology.network.clone(),
            ),
            instances: instances.collect(),
        }
    }

    fn start_leaves(&self, corpus: &Arc<Corpus>) {
        let topology = self.topology;
        for instance in self.instances_of(Service::Metadata) {
            let stub = MetadataStub::new(&instance, &topology.metadata);
            self.serve(&instance, BoxService::new(MetadataServer::new(stub)));
        }
        for instance in self.instances_of(Service::Embedder) {
            let stub = EmbedderStub::new(&instance, &topology.embedder, corpus.clone());
            self.serve(&instance, BoxService::new(EmbedderServer::new(stub)));
        }
        for instance in self.instances_of(Service::Reranker) {
            let stub = RerankerStub::new(&instance, &topology.reranker, corpus.clone());
            self.serve(&instance, BoxService::new(RerankerServer::new(stub)));
        }
        for instance in self.instances_of(Service::Llm) {
            self.serve_http(&instance, llm::router(&instance, &topology.llm));
        }
        let shards = topology.vector_db.shards;
        for (partition, replica) in self.replicas() {
            let instance = self.instance(&InstanceId::shard(partition, replica));
            let stub = ShardStub::new(&instance, &topology.shard, corpus, partition, shards);
            self.serve(&instance, BoxService::new(ShardServer::new(stub)));
        }
    }

    fn start_vector_db(&self) {
        for instance in self.instances_of(Service::VectorDb) {
            let partitions = (0..self.topology.vector_db.shards).map(|partition| {
                let replicas = 0..self.topology.vector_db.replicas;
                let replicas = replicas.map(|replica| InstanceId::shard(partition, replica));
                self.client(&instance.id, replicas.collect())
            });
            let stub = VectorDbStub::new(&instance, &self.topology.vector_db, partitions.collect());
            self.serve(&instance, BoxService::new(VectorDbServer::new(stub)));
        }
    }

    fn start_gateways(&self) {
        for instance in self.instances_of(Service::Gateway) {
            let downstream = Downstream {
                metadata: self.client_of(&instance.id, Service::Metadata),
                embedder: self.client_of(&instance.id, Service::Embedder),
                vector_db: self.client_of(&instance.id, Service::VectorDb),
                reranker: self.client_of(&instance.id, Service::Reranker),
                llm: self.client_of(&instance.id, Service::Llm),
            };
            let topology = self.topology;
            let router = gateway::router(
                &instance,
                &topology.gateway,
                &topology.llm.model,
                downstream,
            );
            self.serve_http(&instance, router);
        }
    }

    fn start_ingest(&self, corpus: &Arc<Corpus>) {
        let spec = &self.topology.ingest;
        let queue = ingest::Queue::new(spec.queue_bound);
        for instance in self.instances_of(Service::IngestApi) {
            self.serve_http(&instance, ingest::router(&instance, &queue));
        }
        for instance in self.instances_of(Service::IngestWorker) {
            let partitions = (0..self.topology.vector_db.shards).map(|partition| {
                (0..self.topology.vector_db.replicas)
                    .map(|replica| {
                        self.client(&instance.id, vec![InstanceId::shard(partition, replica)])
                    })
                    .collect()
            });
            let embedder = self.client_of(&instance.id, Service::Embedder);
            let worker = ingest::Worker::new(
                &instance,
                spec,
                &queue,
                corpus,
                embedder,
                partitions.collect(),
            );
            tokio::spawn(worker.run());
        }
    }

    fn start_gauges(&self) {
        let instances: Vec<Arc<Instance>> = self.instances.values().cloned().collect();
        let clock = self.clock.clone();
        tokio::spawn(async move {
            loop {
                clock.sleep_us(GAUGE_INTERVAL_US).await;
                for instance in &instances {
                    instance.telemetry.sample_gauges();
                }
            }
        });
    }

    fn serve_http(&self, instance: &Arc<Instance>, router: Router) {
        let stub =
            ServiceExt::<Request>::map_response(router, |response: axum::response::Response| {
                response.map(Body::new)
            });
        self.serve(instance, BoxService::new(stub));
    }

    fn serve(&self, instance: &Arc<Instance>, stub: BoxService) {
        let faults = self.injector.server_layer(self.clock, &instance.id);
        self.network
            .listen(&instance.id, server_stack(instance, &faults, stub));
    }

    fn client_of(&self, from: &InstanceId, to: Service) -> Client {
        self.client(from, self.topology.instances_of(to))
    }

    fn client(&self, from: &InstanceId, to: Vec<InstanceId>) -> Client {
        let caller = self.instance(from);
        let targets = to.into_iter().map(|callee| {
            let faults = self
                .injector
                .edge_layer(self.clock, from.service(), &callee);
            let wire = self.network.connect(from, &callee);
            let stack = client_stack(&caller, &callee, &faults, wire);
            (callee, stack)
        });
        Client::new(targets.collect())
    }

    fn instance(&self, id: &InstanceId) -> Arc<Instance> {
        self.instances
            .get(id)
            .unwrap_or_else(|| panic!("{id} is not part of the topology"))
            .clone()
    }

    fn instances_of(&self, service: Service) -> Vec<Arc<Instance>> {
        let ids = self.topology.instances_of(service);
        ids.iter().map(|id| self.instance(id)).collect()
    }

    fn replicas(&self) -> impl Iterator<Item = (u32, u32)> {
        let replicas = self.topology.vector_db.replicas;
        (0..self.topology.vector_db.shards)
            .flat_map(move |partition| (0..replicas).map(move |replica| (partition, replica)))
    }
}
