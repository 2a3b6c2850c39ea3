//! The process that speaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Clock, Streams};
use ragdoll_telemetry::metrics::QUEUE_DEPTH;
use ragdoll_telemetry::otlp::OtlpExport;
use ragdoll_telemetry::{Exporter, Gauge, Observe, SpanContext, SpanKind, Telemetry};

/// A process with telemetry that leaves over the network.
pub(crate) struct Subject {
    pub(crate) clock: Clock,
    pub(crate) telemetry: Telemetry,
    pub(crate) exporter: Exporter,
    pub(crate) export: OtlpExport,
}

impl Subject {
    pub(crate) fn new(endpoint: &str) -> Self {
        Subject::on(Clock::new_real(), endpoint)
    }

    /// With a clock that stands still: an hour would have to pass before it flushes by itself.
    pub(crate) fn before_its_run(endpoint: &str) -> Self {
        let now = Clock::new_real();
        Subject::on(Clock::real_since(now.unix_us(3_600_000_000)), endpoint)
    }

    fn on(clock: Clock, endpoint: &str) -> Self {
        let instance = InstanceId::new(Service::RERANKER, 1);
        let random = Streams::new(1).stream(instance.name());
        let (exporter, batches) = Exporter::channel();
        let export = OtlpExport::start(
            endpoint,
            &instance.clone().into(),
            batches,
            &clock,
            &exporter,
        );
        let telemetry = Telemetry::new(clock.clone(), instance, 0, random, exporter.clone());
        Subject {
            clock,
            telemetry,
            exporter,
            export: export.expect("a sound endpoint"),
        }
    }

    pub(crate) fn span(&self, name: impl Into<String>) {
        let no_parent = SpanContext::empty_context();
        self.telemetry
            .start(name.into(), SpanKind::Server, &no_parent, Vec::new())
            .end();
    }
}

/// A gauge that shows 4, 5, 6 and so on.
pub(crate) struct Depth(AtomicU64);

impl Depth {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Depth(AtomicU64::new(4)))
    }
}

impl Observe for Depth {
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        report(QUEUE_DEPTH, self.0.fetch_add(1, Ordering::Relaxed) as f64);
    }
}

/// A runtime as a service process has it: one thread.
pub(crate) fn in_process<T>(root: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(root)
}

/// Waits for what takes a moment; half a minute is none.
pub(crate) async fn eventually(what: &str, happened: impl Fn() -> bool) {
    let clock = Clock::new_real();
    while !happened() {
        assert!(clock.now_us() < 30_000_000, "{what}: not in half a minute");
        clock.sleep_us(2_000).await;
    }
}
