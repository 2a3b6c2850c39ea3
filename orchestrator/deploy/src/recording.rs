//! What a ground yields, before anybody looks at it.

use std::sync::mpsc;

use ragdoll_collector::{CollectError, Collected, Collector};
use ragdoll_experiment::{Journal, MachineRecord, RequestOutcome};
use ragdoll_telemetry::{Batch, ServiceInstance};
use ragdoll_trace::{Observations, read_log_lines};

/// Everything that was seen and done in a run.
pub(crate) struct Recording {
    /// Name of the ground.
    pub(crate) ground: &'static str,
    pub(crate) requests: Vec<RequestOutcome>,
    pub(crate) collected: Collected,
    pub(crate) journal: Journal,
    /// Unix time at which the run began, in microseconds.
    pub(crate) epoch_unix_us: u64,
    /// How well the machine held the load, where time really passed.
    pub(crate) machine: Option<MachineRecord>,
}

/// What became of the requests of a run in virtual time, and what was done to the system.
#[derive(Clone, Debug)]
pub struct VirtualOutcomes {
    /// Every request of the load generator, in the order in which they were due.
    pub requests: Vec<RequestOutcome>,
    /// What the faults did.
    pub journal: Journal,
    /// Unix time at which the run began, in microseconds.
    pub epoch_unix_us: u64,
}

/// A run in virtual time with everything that the system said.
#[derive(Debug)]
pub struct VirtualRecording {
    /// What became of the requests.
    pub outcomes: VirtualOutcomes,
    pub(crate) batches: Vec<Batch>,
    /// Every instance, in the order by which the batches number them.
    pub(crate) instances: Vec<ServiceInstance>,
}

impl VirtualRecording {
    /// Spans, gauges, and the log lines of every severity.
    ///
    /// # Errors
    /// A log line that cannot be read back, which is a defect of ragdoll.
    pub fn observations(self) -> Result<Observations, CollectError> {
        let logs = self.batches.iter().map(|batch| batch.logs.as_slice());
        let logs: Vec<u8> = logs.collect::<Vec<_>>().concat();
        let (sender, receiver) = mpsc::channel();
        let collector = Collector::start(receiver, &self.instances, None);
        for batch in self.batches {
            // A collector that is gone says why when it is asked for what it has.
            let _ = sender.send(batch);
        }
        drop(sender);
        let mut observations = collector.finish()?.observations;
        let set = &mut observations.traces;
        observations.logs = read_log_lines("logs", logs.as_slice(), set)?;
        Ok(observations)
    }
}
