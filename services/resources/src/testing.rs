//! An instance without a system around it, for tests of resources.

use std::sync::Arc;

use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::{Batch, Exporter, RequestContext, Telemetry};

use crate::instance::Instance;

/// An instance, and a collector of what it says.
pub struct Bench {
    /// The instance.
    pub instance: Arc<Instance>,
    exporter: Exporter,
    batches: std::sync::mpsc::Receiver<Batch>,
}

impl Bench {
    /// An instance of `service` whose random streams come from `seed`.
    pub fn new(clock: &Clock, service: Service, seed: u64) -> Self {
        let id = InstanceId::new(service, 0);
        let random = Streams::new(seed).stream(id.name());
        let (exporter, batches) = Exporter::channel();
        let telemetry = Telemetry::new(clock.clone(), id.clone(), 0, random, exporter.clone());
        Bench {
            instance: Instance::new(id, telemetry, random),
            exporter,
            batches,
        }
    }

    /// The context of request number `number`, within no span.
    pub fn request(number: u64) -> RequestContext {
        RequestContext::new(number.to_string(), "user-0")
    }

    /// Names and durations in microseconds of all spans that ended since the last call.
    pub fn spans(&self) -> Vec<(String, u64)> {
        self.exporter.flush();
        let mut spans = Vec::new();
        while let Ok(batch) = self.batches.try_recv() {
            for span in batch.spans {
                let duration = span.data.end_time.duration_since(span.data.start_time);
                let duration_us = duration.expect("a span ends after it starts").as_micros();
                spans.push((span.data.name.into_owned(), duration_us as u64));
            }
        }
        spans
    }

    /// Throws away everything said so far, so that a long test's memory stays flat.
    pub fn discard(&self) {
        self.exporter.flush();
        while self.batches.try_recv().is_ok() {}
    }
}
