//! A system that is kept running on a real ground until somebody stops it, with a way to change its
//! faults meanwhile.

mod api;
pub(crate) mod client;
mod error;
mod openapi;
mod options;
mod session;
pub(crate) mod views;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::try_join_all;
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Injector;
use ragdoll_host::service::{Begin, Plan};
use ragdoll_model::presets::PRESETS;
use ragdoll_model::{InstanceId, Service, Topology};
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::otlp::OtlpExport;
use ragdoll_telemetry::{Exporter, ServiceInstance};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub use self::error::UpError;
pub use self::options::{Served, UpOptions};
use self::session::{Session, keep_journal};
use super::docker::Site;
use super::fleet::Fleet;
use super::interrupted::interrupted;
use super::loopback::Loopback;
use super::start::{LEAD_US, MEMORY_SCALE, THREADS, wait_ready};
use super::supervisor::{State, Supervisor};
use crate::behaviours::check_ground;
use crate::error::RunError;
use crate::ground::Ground;

/// Starts a system, calls `ready` when it serves, and keeps it running until this process is told to
/// end (SIGINT or SIGTERM). Nothing of it is left then.
///
/// # Errors
/// A listening address that others can reach without a token, one that is taken, a ground that is
/// not to be had, and an instance that ends for a reason that no fault explains.
pub fn up(options: &UpOptions, ready: impl FnOnce(&Served)) -> Result<(), RunError> {
    if options.token.is_none() && !options.listen.ip().is_loopback() {
        return Err(UpError::TokenMissing(options.listen).into());
    }
    check_ground(&options.topology, options.ground.name())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .map_err(RunError::Runtime)?;
    let ended = runtime.block_on(keep_up(options, ready));
    runtime.shutdown_background();
    ended
}

async fn keep_up(options: &UpOptions, ready: impl FnOnce(&Served)) -> Result<(), RunError> {
    let address = options.listen;
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|source| UpError::Listen { address, source })?;
    if let Some(folder) = &options.out {
        std::fs::create_dir_all(folder).map_err(|source| UpError::Folder {
            folder: folder.clone(),
            source,
        })?;
    }
    let clock = Clock::new_real();
    let instances = options.topology.instances().into_iter();
    let instances = instances.filter(|id| id.service() != Service::CLIENT);
    let keeper = Keeper {
        options,
        instances: instances.collect(),
        listener,
    };
    let mut plan = Plan {
        topology: options.topology.clone(),
        seed: options.seed,
        otlp_endpoint: options.otlp_endpoint.clone(),
        memory_scale: MEMORY_SCALE,
        standalone: false,
        ..Plan::default()
    };
    match &options.ground {
        Ground::Loopback(loopback) => {
            plan.burn = loopback.burn;
            let program = match &loopback.program {
                Some(program) => program.clone(),
                None => std::env::current_exe().map_err(RunError::Runtime)?,
            };
            let fleet = Loopback::start_all(&program, &plan, &keeper.instances, &clock).await?;
            keeper.keep(fleet, ready).await
        }
        Ground::Docker(docker) => {
            let site = Site::prepare(docker, &keeper.instances, &clock).await?;
            let fleet = site.start_all(&plan, &clock).await?;
            keeper.keep(fleet, ready).await
        }
        other => panic!("a system is not kept up on the {} ground", other.name()),
    }
}

struct Keeper<'a> {
    options: &'a UpOptions,
    instances: Vec<InstanceId>,
    listener: TcpListener,
}

impl Keeper<'_> {
    /// Keeps a fleet up, and ends it whatever happens.
    async fn keep<F: Fleet>(self, fleet: F, ready: impl FnOnce(&Served)) -> Result<(), RunError> {
        let ended = self.live(&fleet, ready).await;
        fleet.stop().await;
        ended
    }

    async fn live<F: Fleet>(self, fleet: &F, ready: impl FnOnce(&Served)) -> Result<(), RunError> {
        let options = self.options;
        let clock = Clock::new_real();
        let controls = wait_ready(fleet, &options.topology, &self.instances, &clock).await?;
        let begin = Begin {
            epoch_unix_us: clock.unix_us(clock.now_us()) + LEAD_US,
            seed: options.seed,
            faults: Vec::new(),
            open: true,
            stopped: Vec::new(),
            means: fleet.means(),
            addresses: fleet.addresses(),
            restarts: 0,
        };
        try_join_all(controls.values().map(|control| control.begin(&begin))).await?;
        let clock = Clock::real_since(begin.epoch_unix_us);
        let injector = Injector::open(Vec::new(), &Streams::new(options.seed))?;
        let injector = injector.carried_out_by(begin.means);
        let (exporter, batches) = Exporter::channel();
        let _export = match &options.otlp_endpoint {
            Some(endpoint) => {
                let client = InstanceId::new(Service::CLIENT, 0);
                let client = ServiceInstance::of(&options.topology, &client);
                let export = OtlpExport::start(endpoint, &client, batches, &clock, &exporter);
                Some(export.map_err(|error| RunError::Runtime(std::io::Error::other(error)))?)
            }
            None => {
                std::thread::spawn(move || batches.into_iter().for_each(drop));
                None
            }
        };
        let (added, additions) = mpsc::unbounded_channel();
        let served = Served {
            control: self.listener.local_addr().map_err(UpError::Api)?,
            instances: self.addresses(fleet),
        };
        let session = Arc::new(Session::new(
            options,
            served.clone(),
            injector.clone(),
            clock.clone(),
            added,
        ));
        let supervisor = Supervisor {
            fleet,
            topology: &options.topology,
            injector: &injector,
            clock: &clock,
            exporter: &exporter,
            begin: &begin,
            state: Mutex::new(State::new(controls)),
        };
        let api = axum::serve(self.listener, api::router(session.clone()));
        ready(&served);
        let ended = tokio::select! {
            biased;
            () = interrupted() => Ok(()),
            error = supervisor.run(additions) => Err(RunError::from(error)),
            ended = api.into_future() => {
                Err(UpError::Api(ended.err().unwrap_or_else(|| std::io::Error::other("it stopped"))).into())
            }
            never = session.keep_told(&supervisor) => match never {},
        };
        session.note_witnesses(supervisor.witnesses().await);
        let mut journal = session.journal();
        journal.events = supervisor.events();
        journal.incomplete = ended.as_ref().err().map(ToString::to_string);
        exporter.close();
        keep_journal(options, &journal)?;
        ended
    }

    fn addresses<F: Fleet>(&self, fleet: &F) -> BTreeMap<String, String> {
        let instances = self.instances.iter();
        instances
            .map(|id| (id.name().to_owned(), fleet.address(id)))
            .collect()
    }
}

/// The topology of a base, or of an experiment.
///
/// # Errors
/// In words, where the name is neither a base's nor a sound experiment's.
pub fn topology_named(name: &str) -> Result<Topology, String> {
    if let Some(base) = Topology::base(name) {
        return Ok(base);
    }
    let path = std::path::Path::new(name);
    if !path.exists() {
        let bases = PRESETS.map(|preset| preset.name).join("`, `");
        return Err(format!(
            "there is no base and no file called {name:?}; use `{bases}`, or the path of an experiment"
        ));
    }
    Experiment::load(path, &ragdoll_fault_layers::Faults)
        .map(|experiment| experiment.topology)
        .map_err(|errors| errors.to_string())
}
