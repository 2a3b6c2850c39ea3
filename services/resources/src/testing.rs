//! An instance without a system around it, for tests of resources.

use std::collections::BTreeMap;
use std::sync::Arc;

use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::tracing::subscriber::{DefaultGuard, set_default};
use ragdoll_telemetry::{Batch, Exporter, RequestContext, Telemetry, log_subscriber};

use crate::instance::Instance;

/// An instance, and a collector of what it says. The exporter waits for its collector, which is on
/// the same thread here: a test of more than 5,000 spans must take or discard them on its way.
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

    /// Collects this thread's log lines until the guard is dropped.
    pub fn collect_logs(&self) -> DefaultGuard {
        let clock = self.instance.clock.clone();
        set_default(log_subscriber(clock, self.exporter.clone()))
    }

    /// Everything said since the last call of this or of a method below.
    pub fn take(&self) -> Batch {
        self.exporter.flush();
        let mut all = Batch::default();
        while let Ok(batch) = self.batches.try_recv() {
            all.spans.extend(batch.spans);
            all.logs.extend(batch.logs);
            all.metrics.extend(batch.metrics);
        }
        all
    }

    /// Names and durations in microseconds of all spans that ended since the last call. Throws the
    /// rest away.
    pub fn spans(&self) -> Vec<(String, u64)> {
        let spans = self.take().spans.into_iter();
        spans
            .map(|span| {
                let duration = span.data.end_time.duration_since(span.data.start_time);
                let duration_us = duration.expect("a span ends after it starts").as_micros();
                (span.data.name.into_owned(), duration_us as u64)
            })
            .collect()
    }

    /// Log lines since the last call. Throws the rest away.
    pub fn log_lines(&self) -> Vec<String> {
        let logs = String::from_utf8(self.take().logs).expect("log lines are UTF-8");
        logs.lines().map(str::to_owned).collect()
    }

    /// Samples all gauges, by name. Throws the rest away.
    pub fn gauges(&self) -> BTreeMap<&'static str, f64> {
        self.instance.telemetry.sample_gauges();
        let samples = self.take().metrics.into_iter();
        samples
            .map(|sample| (sample.gauge.name, sample.value))
            .collect()
    }

    /// Throws away everything said so far, so that a long test's memory stays flat.
    pub fn discard(&self) {
        self.exporter.flush();
        while self.batches.try_recv().is_ok() {}
    }
}
