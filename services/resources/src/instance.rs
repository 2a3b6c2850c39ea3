//! What every resource of an instance shares.

use std::sync::Arc;

use ragdoll_model::InstanceId;
use ragdoll_runtime::{Clock, Controls, Overrides, Process, Stream};
use ragdoll_telemetry::metrics::UPTIME;
use ragdoll_telemetry::{Gauge, Observe, RequestContext, Telemetry, log_process};

/// One running copy of a service: its clock, its randomness, its process, its telemetry.
#[derive(Debug)]
pub struct Instance {
    /// Who this is.
    pub id: InstanceId,
    /// The run's clock.
    pub clock: Clock,
    /// Spans, logs and gauges.
    pub telemetry: Telemetry,
    /// Family of all of its random streams.
    pub random: Stream,
    /// Changes in force on its resources.
    pub controls: Controls,
    /// Whether it runs.
    pub process: Process,
}

impl Instance {
    /// An instance whose process runs.
    pub fn new(id: InstanceId, telemetry: Telemetry, random: Stream) -> Arc<Self> {
        let instance = Arc::new(Instance {
            id,
            clock: telemetry.clock().clone(),
            telemetry,
            random,
            controls: Controls::default(),
            process: Process::default(),
        });
        instance.telemetry.observe(&instance);
        instance
    }

    /// The parameters that hold for a request: the request's own where it has them, else the
    /// instance's.
    pub fn overrides(&self, context: &RequestContext) -> Arc<Overrides> {
        let standing = self.controls.current();
        match &context.overrides {
            None => standing,
            Some(own) => Arc::new(standing.merged(own)),
        }
    }

    /// Kills the process and starts it again after `restart_us`. Work in progress ends without an
    /// answer, its spans are lost. Does nothing to a process that is down.
    pub fn crash(self: &Arc<Self>, restart_us: u64) {
        if !self.process.kill() {
            return;
        }
        self.telemetry.lose_open_spans();
        let instance = self.clone();
        tokio::spawn(async move {
            instance.clock.sleep_us(restart_us).await;
            instance.process.start(instance.clock.now_us());
            let restarts = instance.process.deaths();
            log_process!(
                info,
                instance.telemetry,
                "process started",
                restarts = restarts
            );
        });
    }
}

impl Observe for Instance {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let up_us = if self.process.is_up() {
            now_us - self.process.started_us()
        } else {
            0
        };
        report(UPTIME, up_us as f64 / 1e6);
    }
}
