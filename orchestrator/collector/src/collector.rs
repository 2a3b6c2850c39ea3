//! Collection from the same process alone.

use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use ragdoll_telemetry::{Batch, ServiceInstance};

use crate::collected::Collected;
use crate::ingest::Ingest;
use crate::output::{CollectError, Output};

/// A thread that collects until the services are gone.
#[derive(Debug)]
pub struct Collector {
    thread: JoinHandle<Result<Collected, CollectError>>,
}

impl Collector {
    /// Starts to collect from `batches`. `instances` are in the order by which the batches number
    /// them. Without `output`, nothing is written.
    pub fn start(
        batches: Receiver<Batch>,
        instances: &[ServiceInstance],
        output: Option<Output>,
    ) -> Self {
        let mut ingest = Ingest::new(instances, output, None);
        let thread = std::thread::spawn(move || {
            for batch in batches {
                ingest.take_batch(batch);
            }
            ingest.finish().into_result()
        });
        Collector { thread }
    }

    /// Waits for the last batch.
    ///
    /// # Errors
    /// The first file that could not be written. Collection went on without the files then, so that
    /// the services never waited.
    pub fn finish(self) -> Result<Collected, CollectError> {
        match self.thread.join() {
            Ok(collected) => collected,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
