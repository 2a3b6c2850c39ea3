//! The virtual ground: the whole system in one thread, in time that jumps to the next event.

use std::path::Path;
use std::sync::Arc;

use ragdoll_collector::{Collector, Output};
use ragdoll_experiment::{Experiment, RequestOutcome};
use ragdoll_fault_layers::Injector;
use ragdoll_host::{Surroundings, System};
use ragdoll_load::Schedule;
use ragdoll_model::InstanceId;
use ragdoll_runtime::{Clock, Streams, run_virtual};
use ragdoll_telemetry::{Exporter, log_subscriber, tracing};

use crate::load::{Driven, drive_load};
use crate::plan;
use crate::progress::Progress;
use crate::recording::Recording;
use crate::run::RunError;

/// How often progress is noted, in simulated time.
const PROGRESS_INTERVAL_US: u64 = 1_000_000;

/// Runs an experiment. Telemetry is written to `out` as it comes; a run that cannot begin leaves the
/// folder as it is.
pub(crate) fn record(
    experiment: &Experiment,
    out: Option<&Path>,
    progress: &Progress,
) -> Result<Recording, RunError> {
    let streams = Streams::new(experiment.seed);
    let loads = plan::phase_loads(experiment);
    let injector = Injector::new(plan::faults(experiment), &streams)?;
    let shifts = plan::load_shifts(&injector);
    let schedule = Schedule::shifted(streams.stream("load"), &loads, shifts, Path::new(""))?;
    let mut ids: Vec<InstanceId> = experiment.topology.instances();
    ids.sort();

    let output = out.map(Output::create).transpose()?;
    let (exporter, batches) = Exporter::channel();
    let collector = Collector::start(batches, &ids, output);
    let simulated = run_virtual(|clock| {
        let simulation = Simulation {
            experiment,
            streams,
            schedule: Arc::new(schedule),
            injector: &injector,
            progress: progress.clone(),
        };
        simulation.run(clock, exporter)
    });
    let collected = collector.finish()?;
    let (requests, epoch_unix_us) = simulated?;
    Ok(Recording {
        ground: "virtual",
        requests,
        collected,
        journal: plan::journal(experiment, &injector.witnesses()),
        epoch_unix_us,
        machine: None,
    })
}

struct Simulation<'a> {
    experiment: &'a Experiment,
    streams: Streams,
    schedule: Arc<Schedule>,
    injector: &'a Injector,
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
