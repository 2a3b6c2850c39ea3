//! The load of a run, on any ground: queries that are judged, and documents beside them.

use std::sync::Arc;

use ragdoll_experiment::{Experiment, RequestOutcome};
use ragdoll_fault_layers::{Injector, TimedLoadChange};
use ragdoll_host::System;
use ragdoll_load::{QuerySource, Schedule, TooManyRequests, drive};
use ragdoll_runtime::{Clock, Streams};

use crate::client::{QueryClient, send_documents};
use crate::exact::ExactAnswers;

/// What became of the queries, in the order in which they were due.
pub(crate) struct Driven {
    pub(crate) requests: Vec<RequestOutcome>,
    /// How late each of them was sent.
    pub(crate) lateness_us: Vec<u64>,
}

/// Sends every request of `schedule` to `system`, and waits for the last query's answer. Documents
/// that are under way then go on.
pub(crate) async fn drive_load(
    experiment: &Experiment,
    streams: &Streams,
    schedule: &Arc<Schedule>,
    injector: &Injector,
    clock: &Clock,
    system: &System,
) -> Result<Driven, TooManyRequests> {
    let workload = &experiment.workload;
    let corpus = &system.corpus;
    let source = QuerySource::new(streams.stream("queries"), workload, corpus.topics());
    // Where nothing is searched, nothing found could be right or wrong.
    let retrieves = experiment.topology.retrieves();
    let exact =
        retrieves.then(|| ExactAnswers::new(corpus.clone(), workload.queries, workload.top_k));
    let client = QueryClient::new(clock, &system.gateway, corpus, exact);
    if let Some(ingest) = &system.ingest
        && workload.ingest_per_s > 0.0
    {
        tokio::spawn(send_documents(
            clock.clone(),
            ingest.clone(),
            corpus.clone(),
            streams.stream("documents"),
            workload.ingest_per_s,
            schedule.end_us(),
        ));
    }
    let asking = client.clone();
    let witness = LoadWitness::new(injector);
    drive(
        clock.clone(),
        schedule.clone(),
        Arc::new(source),
        move |ask| {
            witness.note(ask.intended_us);
            asking.clone().ask(ask)
        },
    )
    .await?;
    let (requests, lateness_us) = client.take_outcomes();
    Ok(Driven {
        requests,
        lateness_us,
    })
}

/// Counts the requests that are sent while a fault changes the load.
#[derive(Clone)]
struct LoadWitness {
    injector: Injector,
    changes: Arc<[TimedLoadChange]>,
}

impl LoadWitness {
    fn new(injector: &Injector) -> Self {
        LoadWitness {
            injector: injector.clone(),
            changes: injector.load_changes().into(),
        }
    }

    fn note(&self, at_us: u64) {
        for timed in self.changes.iter() {
            let mut windows = timed.windows.iter();
            if windows.any(|&(start_us, end_us)| (start_us..end_us).contains(&at_us)) {
                self.injector.witness_load(timed.fault);
            }
        }
    }
}
