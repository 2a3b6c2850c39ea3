//! A system on one network, started from its leaves: the whole of it in one process, or a part of it
//! that reaches the rest over the network.

mod graph;
mod indexing;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use ragdoll_fault_layers::{Injector, StartedUs};
use ragdoll_model::proto::embedder_server::EmbedderServer;
use ragdoll_model::proto::metadata_server::MetadataServer;
use ragdoll_model::proto::reranker_server::RerankerServer;
use ragdoll_model::proto::shard_server::ShardServer;
use ragdoll_model::proto::vector_db_server::VectorDbServer;
use ragdoll_model::{InstanceId, Service, Topology};
use ragdoll_resources::Instance;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_runtime::{Body, BoxService, Clock, Network, Request, Streams};
use ragdoll_stubs::embedder::EmbedderStub;
use ragdoll_stubs::gateway::{self, Downstream};
use ragdoll_stubs::hop::Behaviours;
use ragdoll_stubs::metadata::MetadataStub;
use ragdoll_stubs::reranker::RerankerStub;
use ragdoll_stubs::shard::ShardStub;
use ragdoll_stubs::vector_db::VectorDbStub;
use ragdoll_stubs::{Client, Corpus, ingest, llm};
use ragdoll_telemetry::{Exporter, Telemetry};
use tokio::task::{AbortHandle, JoinHandle};
use tower::ServiceExt;

use crate::alive::OwnPower;
use crate::readiness::start_checks;
use crate::stack::{client_stack, nobody_stack, server_stack};

/// How often every gauge is sampled.
const GAUGE_INTERVAL_US: u64 = 1_000_000;

/// What every part of a system needs to start.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The run's clock.
    pub clock: &'a Clock,
    /// The whole system, of which this may be a part.
    pub topology: &'a Topology,
    /// Where every random draw of the run comes from.
    pub streams: &'a Streams,
    /// Where telemetry goes.
    pub exporter: &'a Exporter,
    /// What is done to the system.
    pub injector: &'a Injector,
    /// The functions that serve services of a graph whose description names one.
    pub behaviours: &'a Behaviours,
}

/// A running system, with the load generator's ways in.
pub struct System {
    /// Every instance of this process, in the order of their ids; telemetry refers to them by
    /// position.
    pub instances: Vec<Arc<Instance>>,
    /// What the index holds.
    pub corpus: Arc<Corpus>,
    /// The load generator's way in: `POST /v1/query`.
    pub gateway: Client,
    /// The load generator's way in: `POST /v1/documents`. A graph of services takes no documents.
    pub ingest: Option<Client>,
}

impl System {
    /// Starts every instance of the topology in this process, on a virtual network.
    pub fn start(around: &Surroundings<'_>) -> System {
        System::start_with(around, around.topology.instances(), &unreachable)
    }

    /// Starts the load generator's part alone. `remote` is a way to each instance of the system,
    /// which runs elsewhere.
    pub fn start_client(
        around: &Surroundings<'_>,
        remote: &dyn Fn(&InstanceId) -> BoxService,
    ) -> System {
        System::start_with(around, vec![load_generator()], remote)
    }

    fn start_with(
        around: &Surroundings<'_>,
        local: Vec<InstanceId>,
        remote: &dyn Fn(&InstanceId) -> BoxService,
    ) -> System {
        let wiring = Wiring::new(around, local, remote);
        let corpus = Corpus::new(&around.topology.corpus, around.streams);
        wiring.start_all(&corpus);
        let client = load_generator();
        let takes_documents = around.topology.takes_documents();
        System {
            corpus,
            gateway: wiring.client_of(&client, around.topology.entry()),
            ingest: takes_documents.then(|| wiring.client_of(&client, Service::INGEST_API)),
            instances: wiring.instances.into_values().collect(),
        }
    }
}

/// One instance of a system whose others run elsewhere.
pub struct Member {
    /// The instance.
    pub instance: Arc<Instance>,
    /// Its server with all layers; absent for one that nobody calls.
    pub server: Option<BoxService>,
    /// The queue between the ingest API and its workers, where this is the API.
    pub queue: Option<Arc<ingest::Queue>>,
    gauges: JoinHandle<()>,
    schedules: Vec<AbortHandle>,
    checks: Vec<AbortHandle>,
}

impl Member {
    /// Starts the instance `id`. `remote` is a way to each other instance; an ingest worker takes its
    /// documents from `messages`.
    pub fn start(
        around: &Surroundings<'_>,
        id: &InstanceId,
        remote: &dyn Fn(&InstanceId) -> BoxService,
        messages: Option<Arc<dyn ingest::Messages>>,
    ) -> Member {
        let mut wiring = Wiring::new(around, vec![id.clone()], remote);
        wiring.messages = messages;
        let corpus = Corpus::new(&around.topology.corpus, around.streams);
        let (queue, gauges) = wiring.start_all(&corpus);
        let takes_documents = around.topology.takes_documents();
        Member {
            instance: wiring.instance(id),
            server: wiring.network.server(id),
            queue: (takes_documents && id.service() == Service::INGEST_API).then_some(queue),
            gauges,
            schedules: wiring.schedules,
            checks: wiring.checks.into_inner(),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.gauges.abort();
        let tasks = self.schedules.iter().chain(&self.checks);
        tasks.for_each(AbortHandle::abort);
    }
}

fn load_generator() -> InstanceId {
    InstanceId::new(Service::CLIENT, 0)
}

fn unreachable(id: &InstanceId) -> BoxService {
    panic!("{id} is not part of the topology")
}

/// When an instance's process was started. Held by layers, which the instance's own clients hold.
fn started_us(instance: &Arc<Instance>) -> StartedUs {
    let instance = Arc::downgrade(instance);
    Arc::new(move || {
        let instance = instance.upgrade();
        instance.map_or(0, |instance| instance.process.started_us())
    })
}

struct Wiring<'a> {
    clock: &'a Clock,
    topology: &'a Topology,
    injector: Injector,
    behaviours: &'a Behaviours,
    network: Network,
    /// Those of this process.
    instances: BTreeMap<InstanceId, Arc<Instance>>,
    messages: Option<Arc<dyn ingest::Messages>>,
    /// What is going to befall the instances as a whole.
    schedules: Vec<AbortHandle>,
    /// Who asks whether others are ready.
    checks: RefCell<Vec<AbortHandle>>,
}

impl<'a> Wiring<'a> {
    /// Readies the instances of `local`, and connects the others through `remote`.
    fn new(
        around: &Surroundings<'a>,
        local: Vec<InstanceId>,
        remote: &dyn Fn(&InstanceId) -> BoxService,
    ) -> Self {
        let Surroundings {
            clock,
            topology,
            streams,
            exporter,
            injector,
            behaviours,
        } = *around;
        let random = streams.stream("instances");
        let network = Network::new(
            clock.clone(),
            streams.stream("network"),
            topology.network.clone(),
        );
        for id in topology.instances() {
            if topology.is_called(id.service()) && !local.contains(&id) {
                network.listen(&id, remote(&id));
            }
        }
        let mut ids = local;
        ids.sort();
        let mut schedules = Vec::new();
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
            let power = Arc::new(OwnPower(instance.clone()));
            schedules.extend(injector.schedule(clock, &id, &instance.controls, &power));
            (id, instance)
        });
        Wiring {
            clock,
            topology,
            injector: injector.clone().in_zones(&topology.network.zones),
            behaviours,
            network,
            instances: instances.collect(),
            messages: None,
            schedules,
            checks: RefCell::default(),
        }
    }

    /// From the leaves to the gateways: a client is made of servers that are there.
    fn start_all(&self, corpus: &Arc<Corpus>) -> (Arc<ingest::Queue>, JoinHandle<()>) {
        if !self.topology.graph.is_empty() {
            self.start_graph(corpus);
            let unused = ingest::Queue::new(self.topology.ingest.queue_bound);
            return (unused, self.start_gauges());
        }
        self.start_leaves(corpus);
        self.start_vector_db();
        self.start_gateways();
        let queue = self.start_ingest(corpus);
        (queue, self.start_gauges())
    }

    fn start_leaves(&self, corpus: &Arc<Corpus>) {
        let topology = self.topology;
        for instance in self.instances_of(Service::METADATA) {
            let stub = MetadataStub::new(&instance, &topology.metadata);
            self.serve(&instance, BoxService::new(MetadataServer::new(stub)));
        }
        for instance in self.instances_of(Service::EMBEDDER) {
            let stub = EmbedderStub::new(&instance, &topology.embedder, corpus.clone());
            self.serve(&instance, BoxService::new(EmbedderServer::new(stub)));
        }
        for instance in self.instances_of(Service::RERANKER) {
            let stub = RerankerStub::new(&instance, &topology.reranker, corpus.clone());
            self.serve(&instance, BoxService::new(RerankerServer::new(stub)));
        }
        for instance in self.instances_of(Service::LLM) {
            self.serve_http(&instance, llm::router(&instance, &topology.llm));
        }
        let shards = topology.vector_db.shards;
        for (partition, replica) in self.replicas() {
            let Some(instance) = self.instances.get(&InstanceId::shard(partition, replica)) else {
                continue;
            };
            let stub = ShardStub::new(instance, &topology.shard, corpus, partition, shards);
            self.serve(instance, BoxService::new(ShardServer::new(stub)));
        }
    }

    fn start_vector_db(&self) {
        for instance in self.instances_of(Service::VECTOR_DB) {
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
        for instance in self.instances_of(Service::GATEWAY) {
            let downstream = Downstream {
                metadata: self.client_of(&instance.id, Service::METADATA),
                embedder: self.client_of(&instance.id, Service::EMBEDDER),
                vector_db: self.client_of(&instance.id, Service::VECTOR_DB),
                reranker: self.client_of(&instance.id, Service::RERANKER),
                llm: self.client_of(&instance.id, Service::LLM),
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

    fn start_gauges(&self) -> JoinHandle<()> {
        let instances: Vec<Arc<Instance>> = self.instances.values().cloned().collect();
        let clock = self.clock.clone();
        tokio::spawn(async move {
            loop {
                clock.sleep_us(GAUGE_INTERVAL_US).await;
                for instance in &instances {
                    instance.sample_gauges();
                }
            }
        })
    }

    fn serve_http(&self, instance: &Arc<Instance>, router: Router) {
        let stub =
            ServiceExt::<Request>::map_response(router, |response: axum::response::Response| {
                response.map(Body::new)
            });
        self.serve(instance, BoxService::new(stub));
    }

    fn serve(&self, instance: &Arc<Instance>, stub: BoxService) {
        let injector = &self.injector;
        let faults = injector.server_layer(self.clock, &instance.id, started_us(instance));
        self.network
            .listen(&instance.id, server_stack(instance, &faults, stub));
    }

    fn client_of(&self, from: &InstanceId, to: Service) -> Client {
        self.client(from, self.topology.instances_of(to))
    }

    fn client(&self, from: &InstanceId, to: Vec<InstanceId>) -> Client {
        let caller = self.instance(from);
        let nobody = nobody_stack(&caller, to[0].service());
        let targets = to.iter().map(|callee| {
            let injector = &self.injector;
            let faults = injector.edge_layer(self.clock, from, callee, started_us(&caller));
            let wire = self.network.connect(from, callee);
            let stack = client_stack(&caller, callee, &faults, wire);
            (callee.clone(), stack)
        });
        let client = Client::new(targets.collect()).otherwise(nobody);
        let wires = to.iter().map(|callee| self.network.connect(from, callee));
        let period_us = ms_to_us(self.topology.network.health_check_ms);
        let checks = start_checks(self.clock, &client, wires, period_us);
        self.checks.borrow_mut().extend(checks);
        client
    }

    fn instance(&self, id: &InstanceId) -> Arc<Instance> {
        self.instances
            .get(id)
            .unwrap_or_else(|| panic!("{id} is not part of the topology"))
            .clone()
    }

    fn instances_of(&self, service: Service) -> Vec<Arc<Instance>> {
        let ids = self.topology.instances_of(service);
        let local = ids.iter().filter_map(|id| self.instances.get(id));
        local.cloned().collect()
    }

    fn replicas(&self) -> impl Iterator<Item = (u32, u32)> {
        let replicas = self.topology.vector_db.replicas;
        (0..self.topology.vector_db.shards)
            .flat_map(move |partition| (0..replicas).map(move |replica| (partition, replica)))
    }
}
