//! The load generator of a real ground.

use std::collections::BTreeMap;
use std::sync::Arc;

use ragdoll_experiment::{Experiment, RequestOutcome};
use ragdoll_fault_layers::Injector;
use ragdoll_host::{Surroundings, System, remote};
use ragdoll_load::{QuerySource, Schedule, drive};
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{BoxService, Clock, Streams};
use ragdoll_telemetry::Exporter;

use crate::client::{QueryClient, send_documents};
use crate::exact::ExactAnswers;
use crate::progress::Progress;
use crate::run::RunError;

/// How often progress is noted, and what the load generator said is passed on.
const TICK_US: u64 = 200_000;

/// Everything that the load depends on.
pub(crate) struct Load<'a> {
    pub(crate) experiment: &'a Experiment,
    pub(crate) streams: &'a Streams,
    pub(crate) schedule: &'a Arc<Schedule>,
    pub(crate) injector: &'a Injector,
    pub(crate) exporter: &'a Exporter,
    pub(crate) progress: &'a Progress,
    /// The run's clock.
    pub(crate) clock: &'a Clock,
}

/// What became of the requests.
pub(crate) struct Driven {
    pub(crate) requests: Vec<RequestOutcome>,
    /// How late each of them was sent.
    pub(crate) lateness_us: Vec<u64>,
}

impl Load<'_> {
    /// Sends every request, and waits for the last answer. `address` is where the orchestrator
    /// reaches an instance.
    pub(crate) async fn drive(
        &self,
        address: &(dyn Fn(&InstanceId) -> String + Sync),
    ) -> Result<Driven, RunError> {
        let workload = &self.experiment.workload;
        let system = self.system(address);
        let source = QuerySource::new(
            self.streams.stream("queries"),
            workload,
            system.corpus.topics(),
        );
        let exact = ExactAnswers::new(system.corpus.clone(), workload.queries, workload.top_k);
        let client = QueryClient::new(self.clock, &system.gateway, &system.corpus, exact);
        let documents = self.send_documents(&system);
        let asking = client.clone();
        let driving = drive(
            self.clock.clone(),
            self.schedule.clone(),
            Arc::new(source),
            move |ask| asking.clone().ask(ask),
        );
        let driven = tokio::select! {
            driven = driving => driven,
            never = self.tick(&system) => match never {},
        };
        if let Some(documents) = documents {
            documents.abort();
        }
        driven?;
        let (requests, lateness_us) = client.take_outcomes();
        Ok(Driven {
            requests,
            lateness_us,
        })
    }

    fn system(&self, address: &dyn Fn(&InstanceId) -> String) -> System {
        let around = Surroundings {
            clock: self.clock,
            topology: &self.experiment.topology,
            streams: self.streams,
            exporter: self.exporter,
            injector: self.injector,
        };
        let mut ways: BTreeMap<InstanceId, BoxService> = BTreeMap::new();
        for service in [Service::Gateway, Service::IngestApi] {
            for id in self.experiment.topology.instances_of(service) {
                let way = remote(&address(&id));
                let way = way.unwrap_or_else(|error| panic!("address of {id}: {error}"));
                ways.insert(id, way);
            }
        }
        System::start_client(&around, &|id| match ways.get(id) {
            Some(way) => way.clone(),
            None => unused(id),
        })
    }

    async fn tick(&self, system: &System) -> std::convert::Infallible {
        loop {
            self.progress.set(self.clock.now_us());
            self.exporter.flush();
            debug_assert!(system.instances.len() == 1, "the load generator alone");
            self.clock.sleep_us(TICK_US).await;
        }
    }

    fn send_documents(&self, system: &System) -> Option<tokio::task::JoinHandle<()>> {
        let per_s = self.experiment.workload.ingest_per_s;
        (per_s > 0.0).then(|| {
            tokio::spawn(send_documents(
                self.clock.clone(),
                system.ingest.clone(),
                system.corpus.clone(),
                self.streams.stream("documents"),
                per_s,
                self.schedule.end_us(),
            ))
        })
    }
}

/// The load generator calls gateways and the ingest API, and nobody else.
fn unused(id: &InstanceId) -> BoxService {
    let id = id.clone();
    BoxService::new(tower::service_fn(move |_| {
        let id = id.clone();
        async move { panic!("the load generator does not call {id}") }
    }))
}
