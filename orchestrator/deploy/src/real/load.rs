//! The load generator of a real ground.

use std::collections::BTreeMap;
use std::sync::Arc;

use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Injector;
use ragdoll_host::{Surroundings, System, remote};
use ragdoll_load::Schedule;
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{BoxService, Clock, Streams};
use ragdoll_stubs::hop::Behaviours;
use ragdoll_telemetry::Exporter;

use crate::error::RunError;
use crate::load::{Driven, drive_load};
use crate::progress::Progress;

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

impl Load<'_> {
    /// Sends every request, and waits for the last answer. `address` is where the orchestrator
    /// reaches an instance.
    pub(crate) async fn drive(
        &self,
        address: &(dyn Fn(&InstanceId) -> String + Sync),
    ) -> Result<Driven, RunError> {
        let system = self.system(address);
        let driving = drive_load(
            self.experiment,
            self.streams,
            self.schedule,
            self.injector,
            self.clock,
            &system,
        );
        tokio::select! {
            driven = driving => Ok(driven?),
            never = self.tick() => match never {},
        }
    }

    fn system(&self, address: &dyn Fn(&InstanceId) -> String) -> System {
        let around = Surroundings {
            clock: self.clock,
            topology: &self.experiment.topology,
            streams: self.streams,
            exporter: self.exporter,
            injector: self.injector,
            behaviours: &Behaviours::default(),
        };
        let mut ways: BTreeMap<InstanceId, BoxService> = BTreeMap::new();
        let entries = [self.experiment.topology.entry(), Service::INGEST_API];
        for service in entries {
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

    async fn tick(&self) -> std::convert::Infallible {
        loop {
            self.progress.set(self.clock.now_us());
            self.exporter.flush();
            self.clock.sleep_us(TICK_US).await;
        }
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
