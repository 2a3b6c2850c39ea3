//! The virtual ground: the whole system in one thread, in time that jumps to the next event.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use ragdoll_collector::{Collector, Output};
use ragdoll_experiment::{Experiment, RequestOutcome};
use ragdoll_fault_layers::Injector;
use ragdoll_host::{Surroundings, System};
use ragdoll_load::Schedule;
use ragdoll_model::InstanceId;
use ragdoll_runtime::{Clock, Streams, run_virtual};
use ragdoll_stubs::hop::Behaviours;
use ragdoll_telemetry::{Batch, Exporter, ServiceInstance, log_subscriber, tracing};

use crate::behaviours::check_registered;
use crate::error::RunError;
use crate::load::{Driven, drive_load};
use crate::options::RunOptions;
use crate::plan;
use crate::progress::Progress;
use crate::recording::{Recording, VirtualOutcomes, VirtualRecording};

/// How often progress is noted, in simulated time.
const PROGRESS_INTERVAL_US: u64 = 1_000_000;

/// Runs an experiment. Telemetry is written to `options.out` as it comes; a run that cannot begin leaves the
/// folder as it is.
pub(crate) fn record(experiment: &Experiment, options: &RunOptions) -> Result<Recording, RunError> {
    let prepared = Prepared::new(experiment, &options.behaviours)?;
    let output = options.out.as_deref().map(Output::create).transpose()?;
    let (exporter, batches) = Exporter::channel();
    let collector = Collector::start(batches, &instances(experiment), output);
    let simulated = prepared.simulate(exporter, &options.progress);
    let collected = collector.finish()?;
    let outcomes = simulated?;
    Ok(Recording {
        ground: "virtual",
        requests: outcomes.requests,
        collected,
        journal: outcomes.journal,
        epoch_unix_us: outcomes.epoch_unix_us,
        machine: None,
    })
}

/// Runs an experiment and keeps what the system said.
pub(crate) fn record_all(experiment: &Experiment) -> Result<VirtualRecording, RunError> {
    let (outcomes, batches) = simulate_with(experiment, |batches| batches.iter().collect())?;
    Ok(VirtualRecording {
        outcomes,
        batches,
        instances: instances(experiment),
    })
}

/// Runs an experiment and forgets what the system said.
pub(crate) fn record_outcomes(experiment: &Experiment) -> Result<VirtualOutcomes, RunError> {
    let (outcomes, ()) = simulate_with(experiment, |batches| batches.iter().for_each(drop))?;
    Ok(outcomes)
}

/// Runs an experiment while `take` empties the channel of batches on another thread.
fn simulate_with<T: Send>(
    experiment: &Experiment,
    take: impl FnOnce(Receiver<Batch>) -> T + Send,
) -> Result<(VirtualOutcomes, T), RunError> {
    let behaviours = Behaviours::default();
    let prepared = Prepared::new(experiment, &behaviours)?;
    let (exporter, batches) = Exporter::channel();
    std::thread::scope(|scope| {
        let taking = scope.spawn(move || take(batches));
        let outcomes = prepared.simulate(exporter, &Progress::default());
        let taken = taking.join();
        let taken = taken.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok((outcomes?, taken))
    })
}

/// Every instance, in the order by which batches number them.
fn instances(experiment: &Experiment) -> Vec<ServiceInstance> {
    let topology = &experiment.topology;
    let mut ids: Vec<InstanceId> = topology.instances();
    ids.sort();
    let ids = ids.iter();
    ids.map(|id| ServiceInstance::of(topology, id)).collect()
}

/// A run that can begin.
struct Prepared<'a> {
    experiment: &'a Experiment,
    streams: Streams,
    injector: Injector,
    schedule: Arc<Schedule>,
    behaviours: &'a Behaviours,
}

impl<'a> Prepared<'a> {
    fn new(experiment: &'a Experiment, behaviours: &'a Behaviours) -> Result<Self, RunError> {
        check_registered(experiment, behaviours)?;
        let streams = Streams::new(experiment.seed);
        let loads = plan::phase_loads(experiment);
        let injector = Injector::new(plan::faults(experiment), &streams)?;
        let shifts = plan::load_shifts(&injector);
        let schedule = Schedule::shifted(streams.stream("load"), &loads, shifts, Path::new(""))?;
        Ok(Prepared {
            experiment,
            streams,
            injector,
            schedule: Arc::new(schedule),
            behaviours,
        })
    }

    fn simulate(
        self,
        exporter: Exporter,
        progress: &Progress,
    ) -> Result<VirtualOutcomes, RunError> {
        let simulated = run_virtual(|clock| {
            let simulation = Simulation {
                experiment: self.experiment,
                streams: self.streams,
                schedule: self.schedule.clone(),
                injector: &self.injector,
                behaviours: self.behaviours,
                progress: progress.clone(),
            };
            simulation.run(clock, exporter)
        });
        let (requests, epoch_unix_us) = simulated?;
        Ok(VirtualOutcomes {
            requests,
            journal: plan::journal(self.experiment, &self.injector.witnesses()),
            epoch_unix_us,
        })
    }
}

struct Simulation<'a> {
    experiment: &'a Experiment,
    streams: Streams,
    schedule: Arc<Schedule>,
    injector: &'a Injector,
    behaviours: &'a Behaviours,
    progress: Progress,
}

impl Simulation<'_> {
    async fn run(
        self,
        clock: Clock,
        exporter: Exporter,
    ) -> Result<(Vec<RequestOutcome>, u64), RunError> {
        let subscriber = log_subscriber(clock.clone(), exporter.clone());
        // The runtime has one thread, so a subscriber of the thread is one of the run.
        let _logs = tracing::subscriber::set_default(subscriber);
        let topology = &self.experiment.topology;
        let system = System::start(&Surroundings {
            clock: &clock,
            topology,
            streams: &self.streams,
            exporter: &exporter,
            injector: self.injector,
            behaviours: self.behaviours,
        });
        self.note_progress(&clock);
        let driven = drive_load(
            self.experiment,
            &self.streams,
            &self.schedule,
            self.injector,
            &clock,
            &system,
        );
        let Driven { requests, .. } = driven.await?;
        exporter.close();
        Ok((requests, clock.unix_us(0)))
    }

    fn note_progress(&self, clock: &Clock) {
        let (clock, progress) = (clock.clone(), self.progress.clone());
        tokio::spawn(async move {
            loop {
                progress.set(clock.now_us());
                clock.sleep_us(PROGRESS_INTERVAL_US).await;
            }
        });
    }
}
