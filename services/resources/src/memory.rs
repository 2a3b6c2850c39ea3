//! Memory: what requests take, what they leave behind, and what happens when there is no more.

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::topology;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::{ms_to_us, sample_us};
use ragdoll_telemetry::metrics::{MEMORY_LIMIT, MEMORY_USAGE};
use ragdoll_telemetry::names::GC_PAUSE;
use ragdoll_telemetry::{Gauge, Observe, RequestContext, log, log_process};

use crate::instance::Instance;

/// The memory of one process.
///
/// An allocation that does not fit makes the process reclaim for a while, without success, and
/// then die. The allocating request hangs until then. Garbage that requests leave is collected in a
/// pause that stops all allocation.
#[derive(Debug)]
pub struct Memory {
    instance: Arc<Instance>,
    spec: topology::Memory,
    random: Stream,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    live_bytes: u64,
    leaked_bytes: u64,
    garbage_bytes: u64,
    peak_bytes: u64,
    dying: bool,
    paused_until_us: u64,
    collections: u64,
    /// Counts the process's lives, so that memory of an earlier one is not given back to a later.
    life: u64,
}

/// Memory in use; dropping it gives it back.
#[derive(Debug)]
pub struct Allocation {
    memory: Arc<Memory>,
    bytes: u64,
    life: u64,
}

impl Memory {
    /// The memory of a process that holds `spec.base_bytes` when idle.
    pub fn new(instance: &Arc<Instance>, spec: topology::Memory) -> Arc<Self> {
        let memory = Arc::new(Memory {
            instance: instance.clone(),
            spec,
            random: instance.random.child("gc-pause"),
            state: Mutex::default(),
        });
        instance.telemetry.observe(&memory);
        memory
    }

    /// Takes the working memory of `input_bytes` of input. Where it does not fit, this never
    /// returns: the process dies, and the request with it.
    pub async fn allocate(
        self: &Arc<Self>,
        context: &RequestContext,
        input_bytes: u64,
    ) -> Allocation {
        let overrides = self.instance.overrides(context);
        let factor = overrides
            .memory_bytes_per_input_byte
            .unwrap_or(self.spec.bytes_per_input_byte);
        let budget_bytes = overrides
            .memory_budget_bytes
            .unwrap_or(self.spec.budget_bytes);
        let bytes = (input_bytes as f64 * factor) as u64;

        self.pass_pause(context).await;
        if let Some(allocation) = self.try_allocate(bytes, budget_bytes) {
            self.collect_if_due(context, budget_bytes);
            return allocation;
        }
        let reclaim_ms = overrides.memory_reclaim_ms.unwrap_or(self.spec.reclaim_ms);
        let restart_ms = overrides.memory_restart_ms.unwrap_or(self.spec.restart_ms);
        self.begin_to_die(context, bytes, budget_bytes, reclaim_ms, restart_ms);
        std::future::pending().await
    }

    fn try_allocate(self: &Arc<Self>, bytes: u64, budget_bytes: u64) -> Option<Allocation> {
        let mut state = self.state();
        let in_use = self.spec.base_bytes + state.leaked_bytes + state.live_bytes;
        if in_use + bytes > budget_bytes {
            state.peak_bytes = budget_bytes;
            return None;
        }
        state.live_bytes += bytes;
        state.leaked_bytes += self.spec.leak_bytes_per_request;
        state.peak_bytes = state
            .peak_bytes
            .max(in_use + bytes + state.garbage_bytes)
            .min(budget_bytes);
        Some(Allocation {
            memory: self.clone(),
            bytes,
            life: state.life,
        })
    }

    /// Reclaims on a task of its own: a caller that gives up does not save the process.
    fn begin_to_die(
        self: &Arc<Self>,
        context: &RequestContext,
        bytes: u64,
        budget_bytes: u64,
        reclaim_ms: f64,
        restart_ms: f64,
    ) {
        if std::mem::replace(&mut self.state().dying, true) {
            return;
        }
        let telemetry = &self.instance.telemetry;
        log!(
            warn,
            telemetry,
            *context,
            "memory low, reclaiming",
            allocation_bytes = bytes,
            memory_limit_bytes = budget_bytes,
        );
        let memory = self.clone();
        tokio::spawn(async move {
            memory.instance.clock.sleep_us(ms_to_us(reclaim_ms)).await;
            let asked_bytes = memory.die();
            log_process!(
                error,
                memory.instance.telemetry,
                "OutOfMemory: process killed",
                memory_bytes = asked_bytes + bytes,
                memory_limit_bytes = budget_bytes,
            );
            memory.instance.crash(ms_to_us(restart_ms));
        });
    }

    /// Empties the memory; returns what was in use.
    fn die(&self) -> u64 {
        let mut state = self.state();
        let in_use = self.spec.base_bytes + state.leaked_bytes + state.live_bytes;
        *state = State {
            life: state.life + 1,
            peak_bytes: state.peak_bytes,
            ..State::default()
        };
        in_use
    }

    async fn pass_pause(&self, context: &RequestContext) {
        let clock = &self.instance.clock;
        let until_us = self.state().paused_until_us;
        let now_us = clock.now_us();
        if until_us > now_us {
            clock.sleep_until_us(until_us).await;
            self.instance
                .telemetry
                .interval(GC_PAUSE, &context.span, now_us, Vec::new());
        }
    }

    fn collect_if_due(&self, context: &RequestContext, budget_bytes: u64) {
        let mut state = self.state();
        let in_use = self.spec.base_bytes + state.leaked_bytes + state.live_bytes;
        let threshold = budget_bytes as f64 * self.spec.gc_threshold;
        let due = state.garbage_bytes > 0 && (in_use + state.garbage_bytes) as f64 > threshold;
        if !due {
            return;
        }
        let pause_us = sample_us(&self.spec.gc_pause, &mut self.random.at(state.collections));
        let freed_bytes = std::mem::take(&mut state.garbage_bytes);
        state.collections += 1;
        state.paused_until_us = self.instance.clock.now_us() + pause_us;
        drop(state);
        log!(
            info,
            self.instance.telemetry,
            *context,
            "garbage collected",
            pause_ms = pause_us as f64 / 1000.0,
            freed_bytes = freed_bytes,
        );
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        let garbage = (self.bytes as f64 * self.memory.spec.garbage_factor) as u64;
        let mut state = self.memory.state();
        if state.life == self.life {
            state.live_bytes -= self.bytes;
            state.garbage_bytes += garbage;
        }
    }
}

impl Observe for Memory {
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let overrides = self.instance.controls.current();
        let limit = overrides
            .memory_budget_bytes
            .unwrap_or(self.spec.budget_bytes);
        let mut state = self.state();
        let in_use =
            self.spec.base_bytes + state.leaked_bytes + state.live_bytes + state.garbage_bytes;
        let highest = std::mem::take(&mut state.peak_bytes).max(in_use.min(limit));
        report(MEMORY_USAGE, highest as f64);
        report(MEMORY_LIMIT, limit as f64);
    }
}
