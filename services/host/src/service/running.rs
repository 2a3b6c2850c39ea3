//! One run of one instance within its process.

use std::collections::BTreeMap;
use std::sync::Arc;

use ragdoll_fault_layers::{Injector, WitnessReport};
use ragdoll_model::{InstanceId, Service};
use ragdoll_resources::Machine;
use ragdoll_runtime::{BoxService, Clock, Streams};
use ragdoll_stubs::hop::Behaviours;
use ragdoll_stubs::ingest::{Messages, Queue};
use ragdoll_telemetry::otlp::{OtlpError, OtlpExport};
use ragdoll_telemetry::process_metrics::ProcessMetrics;
use ragdoll_telemetry::{Exporter, ServiceInstance, log_process, log_subscriber, tracing};
use thiserror::Error;
use tokio::sync::mpsc;

use super::command::{Command, Drained};
use super::messages::RemoteMessages;
use super::plan::{Addresses, Begin, Change, Plan};
use crate::remote::{BadAddress, remote};
use crate::system::{Member, Surroundings};

/// A run that cannot begin.
#[derive(Debug, Error)]
pub(super) enum BeginError {
    #[error("address of {instance}: {source}")]
    Address {
        instance: String,
        source: BadAddress,
    },
    #[error("a fault's parameter {0}")]
    Fault(#[from] ragdoll_fault_spec::ParamError),
    #[error(transparent)]
    Otlp(#[from] OtlpError),
}

/// An instance at work.
pub(super) struct Running {
    member: Member,
    clock: Clock,
    injector: Injector,
    export: Option<OtlpExport>,
    /// Observed for as long as it exists.
    _process_metrics: Arc<ProcessMetrics>,
}

impl Running {
    /// Starts the instance, and returns it with the guard that keeps its logs flowing from this
    /// thread.
    pub(super) fn begin(
        plan: &Plan,
        id: &InstanceId,
        begin: Begin,
        commands: &mpsc::Sender<Command>,
    ) -> Result<(Running, tracing::subscriber::DefaultGuard), BeginError> {
        let clock = Clock::real_since(begin.epoch_unix_us);
        let clock = if plan.burn { clock.burning() } else { clock };
        let mut addresses = plan.addresses.clone();
        addresses.instances.extend(begin.addresses);
        let remotes = remotes(plan, id, &addresses)?;
        let streams = Streams::new(begin.seed);
        let injector = match begin.open {
            false => Injector::new(begin.faults, &streams)?,
            true => Injector::open(begin.faults, &streams)?,
        };
        injector.change(&begin.stopped, Vec::new())?;
        let injector = injector.carried_out_by(begin.means);
        let (exporter, batches) = Exporter::channel();
        let export = match &plan.otlp_endpoint {
            Some(endpoint) => {
                let own = ServiceInstance::of(&plan.topology, id);
                Some(OtlpExport::start(
                    endpoint, &own, batches, &clock, &exporter,
                )?)
            }
            None => {
                std::thread::spawn(move || batches.into_iter().for_each(drop));
                None
            }
        };
        let logs = log_subscriber(clock.clone(), exporter.clone());
        let logs = tracing::subscriber::set_default(logs);
        let around = Surroundings {
            clock: &clock,
            topology: &plan.topology,
            streams: &streams,
            exporter: &exporter,
            injector: &injector,
            // Whoever starts an instance has seen to it that none is wanted.
            behaviours: &Behaviours::default(),
        };
        let remote = |id: &InstanceId| {
            let known = remotes.get(id);
            known
                .unwrap_or_else(|| panic!("{id} has no address"))
                .clone()
        };
        let is_worker = id.service() == Service::INGEST_WORKER && plan.topology.takes_documents();
        let messages = is_worker.then(|| {
            let api = remote(&InstanceId::new(Service::INGEST_API, 0));
            Arc::new(RemoteMessages::new(api, &clock)) as Arc<dyn Messages>
        });
        let member = Member::start(&around, id, &remote, messages);
        let process_metrics = Arc::new(ProcessMetrics::new());
        member.instance.telemetry.observe(&process_metrics);
        let commands = commands.clone();
        member.instance.run_on(Machine {
            memory_scale: plan.memory_scale,
            // A second request to end says nothing new, so one that finds the channel full is
            // dropped.
            out_of_memory: Box::new(move || drop(commands.try_send(Command::OutOfMemory))),
        });
        if begin.restarts > 0 {
            member.instance.process.start(clock.now_us());
            let telemetry = &member.instance.telemetry;
            log_process!(
                info,
                telemetry,
                "process started",
                restarts = begin.restarts
            );
        }
        let running = Running {
            member,
            clock,
            injector,
            export,
            _process_metrics: process_metrics,
        };
        Ok((running, logs))
    }

    pub(super) fn server(&self) -> Option<BoxService> {
        self.member.server.clone()
    }

    pub(super) fn queue(&self) -> Option<(Arc<Queue>, Clock)> {
        let queue = self.member.queue.clone()?;
        Some((queue, self.clock.clone()))
    }

    pub(super) fn witnesses(&self) -> Vec<WitnessReport> {
        self.injector.witnesses()
    }

    /// Changes the faults of a run that is open to it.
    ///
    /// # Errors
    /// In words, where the run is closed, or a parameter does not fit its kind.
    pub(super) fn change(&self, change: Change) -> Result<(), String> {
        if !self.injector.is_open() {
            return Err("the run's faults were fixed when it began".to_owned());
        }
        let known = self.injector.count();
        let add = change.faults.into_iter().skip(known).collect();
        let changed = self.injector.change(&change.stopped, add);
        changed.map_err(|error| format!("a fault's parameter {error}"))
    }

    /// Takes no request any more, and lets what is open end without a trace.
    pub(super) fn fall_silent(&self) {
        self.member.instance.telemetry.lose_open_spans();
        self.member.instance.process.kill();
    }

    pub(super) async fn drain(&self) -> Drained {
        let Some(export) = &self.export else {
            return Drained::default();
        };
        export.drain().await;
        Drained {
            lost_spans: export.lost_spans(),
            lost_logs: export.lost_logs(),
        }
    }
}

fn remotes(
    plan: &Plan,
    own: &InstanceId,
    addresses: &Addresses,
) -> Result<BTreeMap<InstanceId, BoxService>, BeginError> {
    let others = plan.topology.instances().into_iter();
    let others = others.filter(|id| id != own && id.service() != Service::CLIENT);
    others
        .map(|id| {
            let address = addresses.of(&id, &plan.topology);
            let way = remote(&address).map_err(|source| BeginError::Address {
                instance: id.name().to_owned(),
                source,
            })?;
            Ok((id, way))
        })
        .collect()
}
