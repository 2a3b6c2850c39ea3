//! The two transports, and how a scenario is played on them.

use std::sync::Arc;

use ragdoll_fault_layers::{Injector, Planned};
use ragdoll_host::{Surroundings, System};
use ragdoll_model::Topology;
use ragdoll_runtime::{Streams, run_virtual};
use ragdoll_stubs::hop::Behaviours;
use ragdoll_telemetry::{log_subscriber, tracing};

use super::calm::calmly;
use super::outcome::Outcome;
use super::stage::{Said, Stage};
use super::tcp;
use crate::common::{Ground, SEED};

/// What carries the calls of a system, and with it, which time holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// In process, in virtual time.
    Virtual,
    /// TCP on loopback in real time, a port an instance.
    Tcp,
}

impl Transport {
    pub(crate) const ALL: [Transport; 2] = [Transport::Virtual, Transport::Tcp];
}

/// Plays a scenario on each transport, and applies the same findings to what came of it. Every
/// fault must have fired, and nothing that was said may tell of it.
pub(crate) fn conform<T, F>(
    topology: &Topology,
    faults: &[Planned],
    scenario: impl Fn(Stage) -> F,
    findings: impl Fn(&Outcome<T>),
) where
    F: Future<Output = T>,
{
    conform_where(topology, faults, &|_| true, scenario, findings);
}

/// The same where only those faults must have fired whose position `fires` accepts.
pub(crate) fn conform_where<T, F>(
    topology: &Topology,
    faults: &[Planned],
    fires: &dyn Fn(usize) -> bool,
    scenario: impl Fn(Stage) -> F,
    findings: impl Fn(&Outcome<T>),
) where
    F: Future<Output = T>,
{
    for transport in Transport::ALL {
        let _which = Which(transport);
        calmly(|calm| {
            let outcome = match transport {
                Transport::Virtual => play_virtual(topology, faults, &scenario),
                Transport::Tcp => tcp::play(topology, faults, calm, &scenario),
            };
            assert_that_faults_fired(faults, fires, &outcome);
            assert_blind(&outcome);
            findings(&outcome);
        });
    }
}

fn play_virtual<T, F>(
    topology: &Topology,
    faults: &[Planned],
    scenario: impl FnOnce(Stage) -> F,
) -> Outcome<T>
where
    F: Future<Output = T>,
{
    let streams = Streams::new(SEED);
    let injector = Injector::new(faults.to_vec(), &streams).expect("sound parameters");
    let said = Said::by(topology.instances());
    let (answer, before, epoch_unix_us) = run_virtual(|clock| {
        let (said, injector, streams) = (said.clone(), &injector, &streams);
        async move {
            let exporter = said.exporter();
            let subscriber = log_subscriber(clock.clone(), exporter.clone());
            let _logs = tracing::subscriber::set_default(subscriber);
            let system = System::start(&Surroundings {
                clock: &clock,
                topology,
                streams,
                exporter: &exporter,
                injector,
                behaviours: &Behaviours::default(),
            });
            let ground = Ground {
                clock: clock.clone(),
                system: Arc::new(system),
            };
            let answer = scenario(Stage::new(ground, said.clone())).await;
            (answer, said.seen(0).spans.len(), clock.unix_us(0))
        }
    });
    // The runtime is gone, and with it every task: a span that was still open ended as cancelled.
    let left_open = said.seen(0).spans.len() - before;
    Outcome {
        transport: Transport::Virtual,
        answer,
        seen: said.seen(left_open),
        witnesses: injector.witnesses(),
        epoch_unix_us,
    }
}

fn assert_that_faults_fired<T>(
    faults: &[Planned],
    fires: &dyn Fn(usize) -> bool,
    outcome: &Outcome<T>,
) {
    assert_eq!(faults.len(), outcome.witnesses.len());
    for (number, (fault, witness)) in faults.iter().zip(&outcome.witnesses).enumerate() {
        let spec = &fault.spec;
        let fired = witness.firings > 0 && witness.opportunities >= witness.firings;
        assert_eq!(
            fired,
            fires(number),
            "{} on {}: {witness:?}",
            spec.kind,
            spec.target
        );
    }
}

/// No name, attribute or log line is of a fault's making.
fn assert_blind<T>(outcome: &Outcome<T>) {
    let text = &outcome.seen.text;
    for telltale in [
        "fault\"",
        "faults\"",
        "inject",
        "lock_contention",
        "queueing",
        "cpu_throttling",
        "partition\"",
        "crash",
    ] {
        assert!(!text.contains(telltale), "`{telltale}` in what was said");
    }
}

/// Says on which transport a test failed.
struct Which(Transport);

impl Drop for Which {
    #[allow(
        clippy::print_stderr,
        reason = "a failed assertion does not know which transport it is about"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("on transport {:?}", self.0);
        }
    }
}

/// Says on which transport what follows fails.
pub(crate) fn blame(transport: Transport) -> impl Drop {
    Which(transport)
}
