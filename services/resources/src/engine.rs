//! An inference engine with continuous batching and a paged KV cache, after vLLM (Kwon et al.,
//! "Efficient Memory Management for Large Language Model Serving with PagedAttention", SOSP 2023).
//!
//! The engine works in iterations. In each, sequences that wait are admitted while there are places
//! and KV-cache blocks; prompts are computed in chunks within a budget of tokens; every sequence
//! whose prompt is done yields one token. Where blocks run out, the sequence that was admitted last
//! loses its own and is computed again later. One timer drives an iteration, whatever its batch.

mod batch;
mod generation;
mod pace;

use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::topology::Llm;
use ragdoll_runtime::Overflow;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::metrics::{
    GPU_UTILIZATION, LLM_KV_USAGE, LLM_PREEMPTIONS, LLM_RUNNING, LLM_WAITING, QUEUE_DEPTH,
    WORKER_UTILIZATION,
};
use ragdoll_telemetry::{Gauge, Observe, RequestContext};
use tokio::sync::{Notify, oneshot};

use crate::average::TimeAverage;
use crate::error::ResourceError;
use crate::instance::Instance;

use self::batch::Batch;
pub use self::generation::{Generation, Prompt, Segment, Stage};
use self::pace::Pace;

/// The engine of one LLM instance.
#[derive(Debug)]
pub struct Engine {
    instance: Arc<Instance>,
    spec: Llm,
    batch: Mutex<Batch>,
    /// Share of the places in the batch that are taken.
    usage: Mutex<TimeAverage>,
    /// 1 while an iteration is computed, else 0.
    computing: Mutex<TimeAverage>,
    work: Notify,
}

impl Engine {
    /// An idle engine; its loop runs until the runtime ends.
    pub fn start(instance: &Arc<Instance>, spec: &Llm) -> Arc<Self> {
        let engine = Arc::new(Engine {
            instance: instance.clone(),
            spec: spec.clone(),
            batch: Mutex::new(Batch::new(spec)),
            usage: Mutex::new(TimeAverage::since(instance.clock.now_us())),
            computing: Mutex::new(TimeAverage::since(instance.clock.now_us())),
            work: Notify::new(),
        });
        instance.telemetry.observe(&engine);
        let weak = Arc::downgrade(&engine);
        instance.controls.on_change(move |_| {
            if let Some(engine) = weak.upgrade() {
                engine.work.notify_one();
            }
        });
        tokio::spawn(engine.clone().run());
        engine
    }

    /// Generates tokens. Errors with [`ResourceError::QueueFull`] where the queue may not grow. A
    /// caller that gives up frees what its sequence took, and the engine records the spans of the
    /// stages that it was in; those of a whole [`Generation`] are the caller's to record.
    pub async fn generate(
        &self,
        context: &RequestContext,
        prompt: Prompt,
    ) -> Result<Generation, ResourceError> {
        let overrides = self.instance.overrides(context);
        let bound = overrides.queue_bound.unwrap_or(self.spec.queue_bound) as usize;
        let rejects = overrides.overflow.unwrap_or(Overflow::Reject) == Overflow::Reject;
        let (reply, generation) = oneshot::channel();
        let number = {
            let mut batch = self.batch();
            let waiting = batch.waiting();
            if rejects && waiting >= bound + batch.free_places(self.max_num_seqs()) {
                return Err(ResourceError::QueueFull { waiting, bound });
            }
            batch.push(prompt, self.instance.clock.now_us(), reply)
        };
        self.work.notify_one();
        let mut unfinished = Unfinished {
            engine: self,
            context,
            number: Some(number),
        };
        match generation.await {
            Ok(generation) => {
                unfinished.number = None;
                Ok(generation)
            }
            // The process died; its server stack answers in its place.
            Err(_) => std::future::pending().await,
        }
    }

    async fn run(self: Arc<Self>) {
        let mut pace = Pace::new(&self.instance.clock);
        loop {
            let now_us = self.instance.clock.now_us();
            let max_num_seqs = self.max_num_seqs();
            let iteration = {
                let mut batch = self.batch();
                batch.set_blocks(self.num_gpu_blocks(), now_us);
                batch.begin_iteration(now_us, max_num_seqs)
            };
            self.note_running(now_us, max_num_seqs);
            let computes = if iteration.is_some() { 1.0 } else { 0.0 };
            self.computing().set(now_us, computes);
            let Some(iteration) = iteration else {
                pace.rest();
                self.work.notified().await;
                continue;
            };
            let factor = self.instance.controls.current().service_time_factor;
            let iteration_ms = iteration.time_ms(&self.spec) * factor.unwrap_or(1.0);
            let length_us = ms_to_us(iteration_ms).max(1);
            let start_us = pace.begin(now_us, length_us);
            let work = self.instance.clock.work_from_us(start_us, length_us);
            // Stages are recorded when they were seen, so that none begins before its request came.
            match self.instance.process.or_death(work).await {
                Some(()) => self.batch().end_iteration(self.instance.clock.now_us()),
                None => pace.rest(),
            }
        }
    }

    fn max_num_seqs(&self) -> u32 {
        let overrides = self.instance.controls.current();
        overrides.servers.unwrap_or(self.spec.max_num_seqs).max(1)
    }

    fn num_gpu_blocks(&self) -> u32 {
        let overrides = self.instance.controls.current();
        overrides.kv_blocks.unwrap_or(self.spec.num_gpu_blocks)
    }

    fn note_running(&self, now_us: u64, max_num_seqs: u32) {
        let share = self.batch().running() as f64 / f64::from(max_num_seqs);
        self.usage().set(now_us, share.min(1.0));
    }

    /// The batch in the present life of the process.
    fn batch(&self) -> std::sync::MutexGuard<'_, Batch> {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        batch.begin_life(self.instance.process.deaths());
        batch
    }

    fn computing(&self) -> std::sync::MutexGuard<'_, TimeAverage> {
        self.computing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn usage(&self) -> std::sync::MutexGuard<'_, TimeAverage> {
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sequence that its caller waits for; dropping this takes it out of the engine.
struct Unfinished<'a> {
    engine: &'a Engine,
    context: &'a RequestContext,
    number: Option<u64>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let Some(number) = self.number else {
            return;
        };
        let instance = &self.engine.instance;
        let now_us = instance.clock.now_us();
        let segments = self.engine.batch().abandon(number, now_us);
        for segment in segments.into_iter().flatten() {
            if segment.end_us > segment.start_us {
                instance.telemetry.interval_until(
                    segment.stage.span_name(),
                    &self.context.span,
                    segment.start_us,
                    segment.end_us,
                    Vec::new(),
                );
            }
        }
    }
}

impl Observe for Engine {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let utilization = self.usage().sample(now_us);
        let batch = self.batch();
        report(WORKER_UTILIZATION, utilization);
        report(QUEUE_DEPTH, batch.waiting() as f64);
        report(GPU_UTILIZATION, self.computing().sample(now_us));
        report(LLM_RUNNING, batch.running() as f64);
        report(LLM_WAITING, batch.waiting() as f64);
        report(LLM_KV_USAGE, batch.kv_usage());
        report(LLM_PREEMPTIONS, batch.preemptions() as f64);
    }
}
