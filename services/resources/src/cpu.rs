//! Processors, and the quota that a container runtime puts on them.

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::metrics::{CPU_THROTTLED_TIME, CPU_UTILIZATION};
use ragdoll_telemetry::names::CPU_THROTTLED;
use ragdoll_telemetry::{Gauge, Observe, RequestContext};

use crate::average::TimeAverage;
use crate::instance::Instance;

/// Period of the Linux scheduler's bandwidth control (`cpu.cfs_period_us`).
const PERIOD_US: u64 = 100_000;

/// The processors of one instance. Work slows down in proportion where there is more of it than
/// processors; past its quota it stops until the next period begins.
#[derive(Debug)]
pub struct Cpu {
    instance: Arc<Instance>,
    cores: u32,
    quota_us: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    active: u32,
    usage: TimeAverage,
    period: u64,
    used_in_period_us: u64,
    throttled_us: u64,
}

impl Cpu {
    /// `cores` processors (at least 1), of which all work together may use `quota_ms` in each
    /// 100 ms; 0 for no quota.
    pub fn new(instance: &Arc<Instance>, cores: u32, quota_ms: f64) -> Arc<Self> {
        let cpu = Arc::new(Cpu {
            instance: instance.clone(),
            cores: cores.max(1),
            quota_us: ms_to_us(quota_ms),
            state: Mutex::default(),
        });
        instance.telemetry.observe(&cpu);
        cpu
    }

    /// Does `work_us` of work.
    pub async fn run(&self, context: &RequestContext, work_us: u64) {
        let active = Active::new(self);
        let mut left_us = work_us;
        while left_us > 0 {
            let slice = self.next_slice(left_us);
            let slowdown = (f64::from(active.at_start) / f64::from(self.cores)).max(1.0);
            let wall_us = (slice.run_us as f64 * slowdown) as u64;
            self.instance.clock.sleep_us(wall_us).await;
            left_us -= slice.run_us;
            if left_us > 0 {
                self.wait_for_period(context, slice.period + 1).await;
            }
        }
    }

    /// How much of `left_us` may run now; the quota is charged at once.
    fn next_slice(&self, left_us: u64) -> Slice {
        let period = self.instance.clock.now_us() / PERIOD_US;
        if self.quota_us == 0 {
            return Slice {
                run_us: left_us,
                period,
            };
        }
        let mut state = self.state();
        if state.period != period {
            state.period = period;
            state.used_in_period_us = 0;
        }
        let run_us = left_us.min(self.quota_us - state.used_in_period_us.min(self.quota_us));
        state.used_in_period_us += run_us;
        Slice { run_us, period }
    }

    async fn wait_for_period(&self, context: &RequestContext, period: u64) {
        let clock = &self.instance.clock;
        let stopped_us = clock.now_us();
        clock.sleep_until_us(period * PERIOD_US).await;
        let waited_us = clock.now_us() - stopped_us;
        if waited_us > 0 {
            self.state().throttled_us += waited_us;
            self.instance
                .telemetry
                .interval(CPU_THROTTLED, &context.span, stopped_us, Vec::new());
        }
    }

    fn change_active(&self, change: i32) -> u32 {
        let now_us = self.instance.clock.now_us();
        let mut state = self.state();
        state.active = state.active.saturating_add_signed(change);
        let busy = f64::from(state.active.min(self.cores));
        state.usage.set(now_us, busy);
        state.active
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Slice {
    run_us: u64,
    period: u64,
}

struct Active<'a> {
    cpu: &'a Cpu,
    at_start: u32,
}

impl<'a> Active<'a> {
    fn new(cpu: &'a Cpu) -> Self {
        let at_start = cpu.change_active(1);
        Active { cpu, at_start }
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.cpu.change_active(-1);
    }
}

impl Observe for Cpu {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let mut state = self.state();
        let busy = state.usage.sample(now_us);
        let throttled_us = std::mem::take(&mut state.throttled_us);
        report(CPU_UTILIZATION, busy / f64::from(self.cores));
        report(CPU_THROTTLED_TIME, throttled_us as f64 / 1000.0);
    }
}
