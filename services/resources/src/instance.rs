//! What every resource of an instance shares.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ragdoll_model::InstanceId;
use ragdoll_runtime::{Clock, Controls, Overrides, Process, Stream};
use ragdoll_telemetry::metrics::{CPU_STEAL, UPTIME};
use ragdoll_telemetry::{Gauge, Observe, RequestContext, Telemetry, log_process};

use crate::average::TimeAverage;
use crate::machine::Machine;

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
    machine: OnceLock<Machine>,
    /// Share of the processors' time that others took.
    stolen: Mutex<TimeAverage>,
}

impl Instance {
    /// An instance whose process runs.
    pub fn new(id: InstanceId, telemetry: Telemetry, random: Stream) -> Arc<Self> {
        let now_us = telemetry.clock().now_us();
        let instance = Arc::new(Instance {
            id,
            clock: telemetry.clock().clone(),
            telemetry,
            random,
            controls: Controls::default(),
            process: Process::default(),
            machine: OnceLock::new(),
            stolen: Mutex::new(TimeAverage::since(now_us)),
        });
        instance.telemetry.observe(&instance);
        let weak = Arc::downgrade(&instance);
        instance.controls.on_change(move |overrides| {
            if let Some(instance) = weak.upgrade() {
                let now_us = instance.clock.now_us();
                instance.stolen().set(now_us, stolen_share(overrides));
                let skew_us = overrides.clock_skew_us.unwrap_or(0);
                instance.telemetry.skew_clock(skew_us);
            }
        });
        instance
    }

    /// Says that the instance is a process of its own, on this machine; what was said first stays.
    pub fn run_on(&self, machine: Machine) {
        // Two machines would be a defect of the caller, and change nothing here.
        let _ = self.machine.set(machine);
    }

    /// The machine of an instance that is a process of its own.
    pub(crate) fn machine(&self) -> Option<&Machine> {
        self.machine.get()
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

    /// Computes for `work_us` of a processor's time: longer where others take their share of it. What
    /// is begun before they come, or go, takes what it took then.
    pub async fn work_us(&self, work_us: u64) {
        let stolen = stolen_share(&self.controls.current());
        let wall_us = match stolen > 0.0 {
            true => (work_us as f64 / (1.0 - stolen)).round() as u64,
            false => work_us,
        };
        self.clock.work_us(wall_us).await;
    }

    fn stolen(&self) -> std::sync::MutexGuard<'_, TimeAverage> {
        self.stolen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Kills the process and starts it again after `restart_us`. Work in progress ends without an
    /// answer, its spans are lost. A process that is down stays so for that long at least.
    pub fn crash(self: &Arc<Self>, restart_us: u64) {
        let back_us = self.clock.now_us().saturating_add(restart_us);
        let killed = self.process.kill();
        self.process.keep_down_until(back_us);
        if !killed {
            return;
        }
        self.telemetry.lose_open_spans();
        let instance = self.clone();
        tokio::spawn(async move {
            while instance.clock.now_us() < instance.process.back_us() {
                let back_us = instance.process.back_us();
                instance.clock.sleep_until_us(back_us).await;
            }
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

    /// Notes that the process stood still for a collection of garbage of `paused_us`, until now.
    pub fn paused(&self, paused_us: u64) {
        log_process!(
            warn,
            self.telemetry,
            "garbage collection",
            pause_ms = paused_us as f64 / 1000.0
        );
    }

    /// Samples and exports all gauges; a process that stands still says nothing.
    pub fn sample_gauges(&self) {
        if !self.process.is_frozen() {
            self.telemetry.sample_gauges();
        }
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
        report(CPU_STEAL, self.stolen().sample(now_us));
    }
}

/// Share of the processors' time that others take, from 0 to below 1.
pub(crate) fn stolen_share(overrides: &Overrides) -> f64 {
    overrides.cpu_stolen.unwrap_or(0.0).clamp(0.0, 0.999)
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Service;
    use ragdoll_runtime::run_virtual;

    use crate::testing::Bench;

    #[test]
    fn a_second_blow_keeps_a_dead_process_down_for_longer_and_never_for_less() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::RERANKER, 1);
            let _logs = bench.collect_logs();
            let instance = &bench.instance;
            instance.crash(100);
            clock.sleep_until_us(50).await;
            instance.crash(200);
            instance.crash(10);
            clock.sleep_until_us(249).await;
            assert!(!instance.process.is_up());
            clock.sleep_until_us(251).await;
            assert!(instance.process.is_up());
            assert_eq!(
                (instance.process.started_us(), instance.process.deaths()),
                (250, 1)
            );
            clock.sleep_until_us(1_000).await;
            let starts = bench.log_lines();
            assert_eq!(starts.len(), 1, "{starts:?}");
        });
    }

    #[test]
    fn a_process_that_stands_still_reports_no_gauges() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::RERANKER, 1);
            bench.instance.process.freeze();
            bench.instance.sample_gauges();
            assert!(bench.take().metrics.is_empty());
            bench.instance.process.thaw();
            bench.instance.sample_gauges();
            assert!(!bench.take().metrics.is_empty());
        });
    }
}
