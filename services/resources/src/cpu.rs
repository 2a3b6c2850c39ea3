//! Processors, and the quota that a container runtime puts on them.

mod schedule;

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_runtime::Overrides;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::metrics::{CPU_THROTTLED_TIME, CPU_UTILIZATION};
use ragdoll_telemetry::names::CPU_THROTTLED;
use ragdoll_telemetry::{Gauge, Observe, RequestContext};
use tokio::sync::Notify;

use crate::instance::{Instance, stolen_share};
use crate::interval::Interval;

use self::schedule::{Next, Schedule};

/// The processors of one instance. All work shares them equally, a processor for each piece of it
/// at most; past the quota all of it stops until the next period begins. Where others take a share of
/// the processors' time, all of it runs slower by that share.
#[derive(Debug)]
pub struct Cpu {
    instance: Arc<Instance>,
    quota_ms: f64,
    schedule: Mutex<Schedule>,
    shares_changed: Notify,
    /// Apart from the above, since work that is stopped has no share that could change.
    quota_changed: Notify,
}

impl Cpu {
    /// `cores` processors (at least 1), of which all work together may use `quota_ms` in each
    /// 100 ms; 0 for no quota. The instance's overrides may change the quota at any time.
    pub fn new(instance: &Arc<Instance>, cores: u32, quota_ms: f64) -> Arc<Self> {
        let now_us = instance.clock.now_us();
        let schedule = Schedule::new(cores, ms_to_us(quota_ms), now_us);
        let cpu = Arc::new(Cpu {
            instance: instance.clone(),
            quota_ms,
            schedule: Mutex::new(schedule),
            shares_changed: Notify::new(),
            quota_changed: Notify::new(),
        });
        instance.telemetry.observe(&cpu);
        cpu.obey(&instance.controls.current());
        let weak = Arc::downgrade(&cpu);
        instance.controls.on_change(move |overrides| {
            if let Some(cpu) = weak.upgrade() {
                cpu.obey(overrides);
            }
        });
        cpu
    }

    /// Work that runs, or that the old quota stops, goes on by what holds now.
    fn obey(&self, overrides: &Overrides) {
        let quota_us = ms_to_us(overrides.cpu_quota_ms.unwrap_or(self.quota_ms));
        let now_us = self.instance.clock.now_us();
        let speed = 1.0 - stolen_share(overrides);
        let changed = {
            let mut schedule = self.schedule();
            schedule.set_quota(quota_us, now_us) | schedule.set_speed(speed, now_us)
        };
        if changed {
            self.shares_changed.notify_waiters();
            self.quota_changed.notify_waiters();
        }
    }

    /// Does `work_us` of work.
    pub async fn run(&self, context: &RequestContext, work_us: u64) {
        let clock = &self.instance.clock;
        let share = Share::take(self, work_us);
        loop {
            let changed = self.shares_changed.notified();
            let quota_changed = self.quota_changed.notified();
            let next = self.schedule().next(share.target_us, clock.now_us());
            match next {
                Next::Done => return,
                Next::Run { wall_us } => tokio::select! {
                    biased;
                    () = changed => {}
                    () = clock.work_us(wall_us) => {}
                },
                Next::Throttled { until_us } => {
                    let _stopped = Interval::begin(&self.instance, context, CPU_THROTTLED, None);
                    tokio::select! {
                        biased;
                        () = quota_changed => {}
                        () = clock.sleep_until_us(until_us) => {}
                    }
                }
            }
        }
    }

    fn schedule(&self) -> std::sync::MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to a share of the processors until this is dropped.
struct Share<'a> {
    cpu: &'a Cpu,
    target_us: f64,
}

impl<'a> Share<'a> {
    fn take(cpu: &'a Cpu, work_us: u64) -> Self {
        let now_us = cpu.instance.clock.now_us();
        let (target_us, contended) = {
            let mut schedule = cpu.schedule();
            let contended = schedule.is_contended();
            (schedule.join(work_us, now_us), contended)
        };
        if contended {
            cpu.shares_changed.notify_waiters();
        }
        Share { cpu, target_us }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let now_us = self.cpu.instance.clock.now_us();
        let contended = {
            let mut schedule = self.cpu.schedule();
            schedule.leave(now_us);
            schedule.is_contended()
        };
        if contended {
            self.cpu.shares_changed.notify_waiters();
        }
    }
}

impl Observe for Cpu {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let sample = self.schedule().sample(now_us);
        report(CPU_UTILIZATION, sample.utilization);
        report(CPU_THROTTLED_TIME, sample.throttled_us / 1000.0);
    }
}
