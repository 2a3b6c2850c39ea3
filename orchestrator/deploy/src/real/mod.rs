//! Grounds on which time really passes: the same services as processes or containers, the same load,
//! and telemetry that arrives over the network.

mod control;
mod deployed;
#[cfg_attr(not(feature = "docker"), path = "docker_left_out.rs")]
mod docker;
mod fleet;
mod interrupted;
mod load;
mod loopback;
mod notes;
mod start;
mod supervisor;
pub(crate) mod up;
mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures_util::future::try_join_all;
use ragdoll_collector::{Output, Receiver};
use ragdoll_experiment::{Experiment, Journal, MachineRecord, RequestOutcome};
use ragdoll_fault_layers::{Injector, Planned};
use ragdoll_host::service::{Begin, Plan};
use ragdoll_load::Schedule;
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::{Exporter, ServiceInstance};
use tokio::sync::mpsc;

use self::deployed::Deployed;
use self::docker::Site;
use self::fleet::Fleet;
use self::interrupted::interrupted;
use self::load::Load;
use self::loopback::Loopback;
use self::start::{LEAD_US, MEMORY_SCALE, THREADS, wait_ready};
use self::supervisor::{State, Supervisor};
use self::watch::{MachineWatch, ProcessorTime};
use crate::behaviours::check_ground;
use crate::error::RunError;
use crate::ground::Ground;
use crate::judgement::write_journal;
use crate::load::Driven;
use crate::options::RunOptions;
use crate::plan;
use crate::recording::Recording;

pub use self::deployed::check_deployable;
pub use self::fleet::GroundError;

/// Runs an experiment on a real ground.
pub(crate) fn record(experiment: &Experiment, options: &RunOptions) -> Result<Recording, RunError> {
    check_ground(&experiment.topology, options.ground.name())?;
    let prepared = Prepared::new(experiment)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    let recorded = runtime.block_on(prepared.record(options));
    runtime.shutdown_background();
    recorded
}

/// Everything that can be wrong with an experiment is found before anything is started.
struct Prepared<'a> {
    experiment: &'a Experiment,
    streams: Streams,
    schedule: Arc<Schedule>,
    faults: Vec<Planned>,
    /// Every instance but the load generator.
    instances: Vec<InstanceId>,
}

impl<'a> Prepared<'a> {
    fn new(experiment: &'a Experiment) -> Result<Self, RunError> {
        let streams = Streams::new(experiment.seed);
        let loads = plan::phase_loads(experiment);
        let faults = plan::faults(experiment);
        let shifts = plan::load_shifts(&Injector::new(faults.clone(), &streams)?);
        let schedule = Schedule::shifted(streams.stream("load"), &loads, shifts, Path::new(""))?;
        let instances = experiment.topology.instances().into_iter();
        let instances = instances.filter(|id| id.service() != Service::CLIENT);
        Ok(Prepared {
            experiment,
            streams,
            schedule: schedule.into(),
            faults,
            instances: instances.collect(),
        })
    }

    async fn record(self, options: &RunOptions) -> Result<Recording, RunError> {
        let (exporter, batches) = Exporter::channel();
        let listen = match &options.ground {
            Ground::Deployed(deployed) => deployed.listen,
            _ => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        let clock = Clock::new_real();
        let (site, listen) = match &options.ground {
            Ground::Docker(docker) => {
                let site = Site::prepare(docker, &self.instances, &clock).await?;
                let listen = site.listen();
                (Some(site), listen)
            }
            _ => (None, listen),
        };
        // Only now: what an earlier run left is kept where this one cannot begin.
        let output = options.out.as_deref().map(Output::create).transpose()?;
        let client = InstanceId::new(Service::CLIENT, 0);
        let local = vec![ServiceInstance::of(&self.experiment.topology, &client)];
        let receiver =
            Receiver::start(listen, batches, local, output, options.forward.clone()).await?;
        let mut plan = Plan {
            topology: self.experiment.topology.clone(),
            seed: self.experiment.seed,
            otlp_endpoint: (!options.without_telemetry)
                .then(|| format!("http://{}", receiver.address())),
            memory_scale: MEMORY_SCALE,
            standalone: false,
            ..Plan::default()
        };
        let run = Run {
            prepared: &self,
            options,
            exporter,
            receiver,
        };
        match &options.ground {
            Ground::Virtual => panic!("the virtual ground is not a real one"),
            Ground::Loopback(loopback) => {
                plan.burn = loopback.burn;
                let program = match &loopback.program {
                    Some(program) => program.clone(),
                    None => std::env::current_exe().map_err(RunError::Runtime)?,
                };
                let fleet = Loopback::start_all(&program, &plan, &self.instances, &clock).await;
                run.on(fleet).await
            }
            Ground::Docker(_) => {
                let site = site.expect("it was prepared for this ground");
                let fleet = site.start_all(&plan, &clock).await;
                run.on(fleet).await
            }
            Ground::Deployed(deployed) => {
                let fleet = Deployed::new(&deployed.plan, self.experiment);
                run.on(fleet).await
            }
        }
    }
}

/// A run whose telemetry can be received.
struct Run<'a> {
    prepared: &'a Prepared<'a>,
    options: &'a RunOptions,
    exporter: Exporter,
    receiver: Receiver,
}

/// What a run came to, besides its telemetry.
struct Ended {
    requests: Vec<RequestOutcome>,
    journal: Journal,
    epoch_unix_us: u64,
    machine: MachineRecord,
}

impl Run<'_> {
    /// Runs on `fleet`, ends it whatever happens, and keeps what was collected until then.
    async fn on<F: Fleet>(self, fleet: Result<F, GroundError>) -> Result<Recording, RunError> {
        let ended = match fleet {
            Ok(fleet) => {
                let ended = self.live(&fleet).await;
                fleet.stop().await;
                ended
            }
            Err(error) => Err((error.into(), None)),
        };
        self.exporter.close();
        let ground = self.options.ground.name();
        let received = self.receiver.end().await;
        for note in notes::notes(&received.counts) {
            self.options.progress.note(note);
        }
        let out = self.options.out.as_deref();
        let cut = |error, journal| incomplete(error, journal, self.prepared.experiment, out);
        let ended = ended.map_err(|(error, journal)| cut(error, journal))?;
        if let Some(failure) = received.failure {
            return Err(cut(failure.into(), Some(ended.journal)));
        }
        Ok(Recording {
            ground,
            requests: ended.requests,
            collected: received.collected,
            journal: ended.journal,
            epoch_unix_us: ended.epoch_unix_us,
            machine: Some(ended.machine),
        })
    }

    /// The run itself; where it is cut, with what is known of it.
    async fn live<F: Fleet>(&self, fleet: &F) -> Result<Ended, (RunError, Option<Journal>)> {
        let before = ProcessorTime::now();
        let clock = Clock::new_real();
        let controls = wait_ready(
            fleet,
            &self.prepared.experiment.topology,
            &self.prepared.instances,
            &clock,
        )
        .await
        .map_err(|error| (error.into(), None))?;
        let epoch_unix_us = clock.unix_us(clock.now_us()) + LEAD_US;
        let begin = Begin {
            epoch_unix_us,
            seed: self.prepared.experiment.seed,
            faults: self.prepared.faults.clone(),
            open: false,
            stopped: Vec::new(),
            means: fleet.means(),
            addresses: fleet.addresses(),
            restarts: 0,
        };
        let told = controls.values().map(|control| control.begin(&begin));
        try_join_all(told)
            .await
            .map_err(|error| (error.into(), None))?;
        let clock = Clock::real_since(epoch_unix_us);
        let injector = Injector::new(begin.faults.clone(), &self.prepared.streams)
            .map_err(|error| (error.into(), None))?
            .carried_out_by(begin.means);
        let supervisor = Supervisor {
            fleet,
            topology: &self.prepared.experiment.topology,
            injector: &injector,
            clock: &clock,
            exporter: &self.exporter,
            begin: &begin,
            state: Mutex::new(State::new(controls)),
        };
        let watch = MachineWatch::default();
        let driven = self
            .drive(fleet, &injector, &clock, &supervisor, &watch)
            .await;
        let witnesses = supervisor.witnesses().await;
        let mut journal = plan::journal(self.prepared.experiment, &witnesses);
        journal.events = supervisor.events();
        let Driven {
            requests,
            lateness_us,
        } = match driven {
            Ok(driven) => driven,
            Err(error) => return Err((error, Some(journal))),
        };
        supervisor.drain().await;
        let machine = watch.record(lateness_us, before);
        Ok(Ended {
            requests,
            journal,
            epoch_unix_us,
            machine,
        })
    }

    /// Drives the load until its end, or until something ends the run before it.
    async fn drive<F: Fleet>(
        &self,
        fleet: &F,
        injector: &Injector,
        clock: &Clock,
        supervisor: &Supervisor<'_, F>,
        watch: &MachineWatch,
    ) -> Result<Driven, RunError> {
        let load = Load {
            experiment: self.prepared.experiment,
            streams: &self.prepared.streams,
            schedule: &self.prepared.schedule,
            injector,
            exporter: &self.exporter,
            progress: &self.options.progress,
            clock,
        };
        let address = |id: &InstanceId| fleet.address(id);
        let at_s = || clock.now_us() as f64 / 1e6;
        let (_, nothing_added) = mpsc::unbounded_channel();
        let error = tokio::select! {
            biased;
            () = interrupted() => GroundError::Interrupted { at_s: at_s() },
            error = supervisor.run(nothing_added) => error,
            why = self.receiver.died() => GroundError::Receiver { at_s: at_s(), why },
            driven = load.drive(&address) => return driven,
            () = watch.clone().run(clock.clone()) => panic!("a watch goes on until it is dropped"),
        };
        Err(error.into())
    }
}

/// Marks what was collected as the part of a run that it is.
fn incomplete(
    error: RunError,
    journal: Option<Journal>,
    experiment: &Experiment,
    out: Option<&Path>,
) -> RunError {
    let Some(folder) = out else {
        return error;
    };
    let journal = Journal {
        incomplete: Some(error.to_string()),
        seed: experiment.seed,
        ..journal.unwrap_or_default()
    };
    match write_journal(folder, &journal) {
        Ok(()) => RunError::Incomplete {
            source: Box::new(error),
            folder: PathBuf::from(folder),
        },
        // Where the journal cannot be written either, the first error says why.
        Err(_) => error,
    }
}
