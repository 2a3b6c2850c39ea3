//! Memory: what requests take, what they leave behind, and what happens when there is no more.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ragdoll_model::topology;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::{ms_to_us, sample_us};
use ragdoll_telemetry::metrics::{MEMORY_LIMIT, MEMORY_USAGE};
use ragdoll_telemetry::names::GC_PAUSE;
use ragdoll_telemetry::{Gauge, Observe, RequestContext, log, log_process};

use crate::instance::Instance;
use crate::interval::Interval;
use crate::machine::Block;

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
    /// What stands for the memory of an idle process, where that is real.
    base: OnceLock<Option<Block>>,
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
    /// Deaths of the process before this life of it: whatever it died of, its memory went too, and
    /// what an earlier life took is not given back to a later.
    life: u64,
}

impl State {
    fn begin_life(&mut self, life: u64) {
        if self.life != life {
            *self = State {
                life,
                peak_bytes: self.peak_bytes,
                collections: self.collections,
                ..State::default()
            };
        }
    }
}

/// Memory in use; dropping it gives it back.
#[derive(Debug)]
pub struct Allocation {
    memory: Arc<Memory>,
    bytes: u64,
    life: u64,
    _real: Option<Block>,
}

impl Memory {
    /// The memory of a process that holds `spec.base_bytes` when idle.
    pub fn new(instance: &Arc<Instance>, spec: topology::Memory) -> Arc<Self> {
        let memory = Arc::new(Memory {
            instance: instance.clone(),
            spec,
            random: instance.random.child("gc-pause"),
            state: Mutex::default(),
            base: OnceLock::new(),
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

        self.base.get_or_init(|| self.really(self.spec.base_bytes));
        self.pass_pause(context).await;
        if self.collect_if_due(context, bytes, budget_bytes) {
            self.pass_pause(context).await;
        }
        let leak_bytes = overrides
            .memory_leak_bytes_per_request
            .unwrap_or(self.spec.leak_bytes_per_request);
        let short_of = match self.try_allocate(bytes, leak_bytes, budget_bytes) {
            Ok(allocation) => return allocation,
            Err(short_of) => short_of,
        };
        let reclaim_ms = overrides.memory_reclaim_ms.unwrap_or(self.spec.reclaim_ms);
        let restart_ms = overrides.memory_restart_ms.unwrap_or(self.spec.restart_ms);
        self.begin_to_die(context, &short_of, reclaim_ms, restart_ms);
        std::future::pending().await
    }

    fn try_allocate(
        self: &Arc<Self>,
        bytes: u64,
        leak_bytes: u64,
        budget_bytes: u64,
    ) -> Result<Allocation, Shortage> {
        let mut state = self.state();
        let asked_bytes = self.live_bytes(&state).saturating_add(bytes);
        if asked_bytes > budget_bytes {
            state.peak_bytes = state.peak_bytes.max(budget_bytes);
            return Err(Shortage {
                allocation_bytes: bytes,
                asked_bytes,
                budget_bytes,
            });
        }
        state.live_bytes += bytes;
        state.leaked_bytes = state.leaked_bytes.saturating_add(leak_bytes);
        let filled_bytes = asked_bytes.saturating_add(state.garbage_bytes);
        state.peak_bytes = state.peak_bytes.max(filled_bytes.min(budget_bytes));
        Ok(Allocation {
            memory: self.clone(),
            bytes,
            life: state.life,
            _real: self.really(bytes),
        })
    }

    /// What the process has to allocate for `bytes` of the model's, where there is a process.
    fn really(&self, bytes: u64) -> Option<Block> {
        let machine = self.instance.machine()?;
        Some(machine.allocate(bytes))
    }

    /// Reclaims on a task of its own: a caller that gives up does not save the process.
    fn begin_to_die(
        self: &Arc<Self>,
        context: &RequestContext,
        short_of: &Shortage,
        reclaim_ms: f64,
        restart_ms: f64,
    ) {
        let life = {
            let mut state = self.state();
            if std::mem::replace(&mut state.dying, true) {
                return;
            }
            state.life
        };
        let &Shortage {
            allocation_bytes,
            asked_bytes,
            budget_bytes,
        } = short_of;
        log!(
            warn,
            self.instance.telemetry,
            *context,
            "memory low, reclaiming",
            allocation_bytes = allocation_bytes,
            memory_limit_bytes = budget_bytes,
        );
        let memory = self.clone();
        tokio::spawn(async move {
            let instance = &memory.instance;
            instance.clock.sleep_us(ms_to_us(reclaim_ms)).await;
            if instance.process.deaths() != life {
                // Something else killed it first.
                return;
            }
            if let Some(machine) = instance.machine() {
                // Who finds the process dead says of what it died.
                (machine.out_of_memory)();
                return;
            }
            log_process!(
                error,
                instance.telemetry,
                "OutOfMemory: process killed",
                memory_bytes = asked_bytes,
                memory_limit_bytes = budget_bytes,
            );
            instance.crash(ms_to_us(restart_ms));
        });
    }

    /// Memory that a collection would not free, without what is about to be allocated.
    fn live_bytes(&self, state: &State) -> u64 {
        self.spec
            .base_bytes
            .saturating_add(state.leaked_bytes)
            .saturating_add(state.live_bytes)
    }

    async fn pass_pause(&self, context: &RequestContext) {
        let until_us = self.state().paused_until_us;
        let _paused = Interval::begin(&self.instance, context, GC_PAUSE, None);
        self.instance.clock.sleep_until_us(until_us).await;
    }

    /// Begins a collection where `bytes` more would fill memory past the threshold.
    fn collect_if_due(&self, context: &RequestContext, bytes: u64, budget_bytes: u64) -> bool {
        let mut state = self.state();
        let asked_bytes = self.live_bytes(&state).saturating_add(bytes);
        let filled_bytes = asked_bytes.saturating_add(state.garbage_bytes);
        let threshold = budget_bytes as f64 * self.spec.gc_threshold;
        if state.garbage_bytes == 0 || filled_bytes as f64 <= threshold {
            return false;
        }
        let overrides = self.instance.overrides(context);
        let pause = overrides.gc_pause.as_ref().unwrap_or(&self.spec.gc_pause);
        let pause_us = sample_us(pause, &mut self.random.at(state.collections));
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
        true
    }

    /// The state in the present life of the process.
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.begin_life(self.instance.process.deaths());
        state
    }
}

/// An allocation that does not fit.
struct Shortage {
    allocation_bytes: u64,
    /// What would be in use with it.
    asked_bytes: u64,
    budget_bytes: u64,
}

impl Drop for Allocation {
    fn drop(&mut self) {
        let overrides = self.memory.instance.controls.current();
        let factor = overrides.garbage_factor;
        let factor = factor.unwrap_or(self.memory.spec.garbage_factor);
        let garbage = (self.bytes as f64 * factor) as u64;
        let mut state = self.memory.state();
        if state.life == self.life {
            state.live_bytes -= self.bytes;
            state.garbage_bytes = state.garbage_bytes.saturating_add(garbage);
        }
    }
}

impl Observe for Memory {
    /// A process that is down uses no memory, one that is about to die all that it may.
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let overrides = self.instance.controls.current();
        let limit = overrides
            .memory_budget_bytes
            .unwrap_or(self.spec.budget_bytes);
        let mut state = self.state();
        let in_use = if state.dying {
            limit
        } else if self.instance.process.is_up() {
            self.live_bytes(&state).saturating_add(state.garbage_bytes)
        } else {
            0
        };
        let highest = std::mem::take(&mut state.peak_bytes).max(in_use.min(limit));
        report(MEMORY_USAGE, highest as f64);
        report(MEMORY_LIMIT, limit as f64);
    }
}
