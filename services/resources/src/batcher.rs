//! Dynamic batching: a free server takes what is waiting, up to a limit, and works on it at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::Dist;
use ragdoll_runtime::random::{ms_to_us, sample_us};
use ragdoll_runtime::{Overflow, Stream};
use ragdoll_telemetry::metrics::{QUEUE_DEPTH, WORKER_UTILIZATION};
use ragdoll_telemetry::names::QUEUE_WAIT;
use ragdoll_telemetry::{Gauge, Observe, RequestContext};
use tokio::sync::oneshot;

use crate::average::TimeAverage;
use crate::error::ResourceError;
use crate::instance::Instance;

/// What a batching server can do.
#[derive(Clone, Copy, Debug)]
pub struct BatchSpec {
    /// Batches in progress at once, at least 1.
    pub servers: u32,
    /// Items that may wait.
    pub queue_bound: u32,
    /// Items in a batch at most, at least 1.
    pub max_batch: u32,
    /// Time of a batch of one.
    pub service_time: Dist,
    /// Time that each further item adds.
    pub per_item_ms: f64,
}

/// Servers that work on batches, and the queue in front of them.
#[derive(Debug)]
pub struct Batcher {
    instance: Arc<Instance>,
    spec: BatchSpec,
    random: Stream,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    servers: u32,
    busy: u32,
    waiting: VecDeque<Item>,
    usage: TimeAverage,
}

#[derive(Debug)]
struct Item {
    draw_key: u64,
    factor: f64,
    started: oneshot::Sender<oneshot::Receiver<()>>,
}

impl Batcher {
    /// Servers with nothing to do.
    pub fn new(instance: &Arc<Instance>, spec: BatchSpec) -> Arc<Self> {
        let batcher = Arc::new(Batcher {
            instance: instance.clone(),
            spec,
            random: instance.random.child("batch-time"),
            state: Mutex::new(State {
                servers: spec.servers.max(1),
                busy: 0,
                waiting: VecDeque::new(),
                usage: TimeAverage::default(),
            }),
        });
        instance.telemetry.observe(&batcher);
        let weak = Arc::downgrade(&batcher);
        instance.controls.on_change(move |overrides| {
            if let Some(batcher) = weak.upgrade() {
                batcher.state().servers = overrides.servers.unwrap_or(spec.servers).max(1);
                batcher.start_batches();
            }
        });
        batcher
    }

    /// Has one item worked on. Errors with [`ResourceError::QueueFull`] where the queue may not
    /// grow.
    pub async fn serve(self: &Arc<Self>, context: &RequestContext) -> Result<(), ResourceError> {
        let overrides = self.instance.overrides(context);
        let bound = overrides.queue_bound.unwrap_or(self.spec.queue_bound) as usize;
        let rejects = overrides.overflow.unwrap_or(Overflow::Reject) == Overflow::Reject;
        let arrived_us = self.instance.clock.now_us();
        let (started, starts) = oneshot::channel();
        {
            let mut state = self.state();
            state.waiting.retain(|item| !item.started.is_closed());
            let waiting = state.waiting.len();
            let must_wait = state.busy >= state.servers;
            if must_wait && rejects && waiting >= bound {
                return Err(ResourceError::QueueFull { waiting, bound });
            }
            state.waiting.push_back(Item {
                draw_key: context.draw_key().0,
                factor: overrides.service_time_factor.unwrap_or(1.0),
                started,
            });
        }
        self.start_batches();
        let finished = starts.await.expect("a batch starts every item it takes");
        if self.instance.clock.now_us() > arrived_us {
            self.instance
                .telemetry
                .interval(QUEUE_WAIT, &context.span, arrived_us, Vec::new());
        }
        // The batch ends by dropping its side.
        let _ = finished.await;
        Ok(())
    }

    fn start_batches(self: &Arc<Self>) {
        while let Some(batch) = self.next_batch() {
            let batcher = self.clone();
            tokio::spawn(async move { batcher.run(batch).await });
        }
    }

    /// Takes a server and what it shall work on.
    fn next_batch(&self) -> Option<Vec<Item>> {
        let now_us = self.instance.clock.now_us();
        let mut state = self.state();
        state.waiting.retain(|item| !item.started.is_closed());
        if state.waiting.is_empty() || state.busy >= state.servers {
            return None;
        }
        let size = state.waiting.len().min(self.spec.max_batch.max(1) as usize);
        let batch = state.waiting.drain(..size).collect();
        state.busy += 1;
        let busy = f64::from(state.busy);
        state.usage.set(now_us, busy);
        Some(batch)
    }

    async fn run(self: Arc<Self>, batch: Vec<Item>) {
        let mut rng = self.random.at(batch[0].draw_key);
        let slowest = batch.iter().map(|item| item.factor).fold(0.0, f64::max);
        let first_us = sample_us(&self.spec.service_time, &mut rng);
        let others_us = ms_to_us(self.spec.per_item_ms) * (batch.len() as u64 - 1);
        let batch_us = ((first_us + others_us) as f64 * slowest) as u64;

        let mut unfinished = Vec::with_capacity(batch.len());
        for item in batch {
            let (finish, finished) = oneshot::channel::<()>();
            // An item whose caller gave up in this very moment is worked on in vain.
            let _ = item.started.send(finished);
            unfinished.push(finish);
        }
        self.instance.clock.sleep_us(batch_us).await;
        {
            let now_us = self.instance.clock.now_us();
            let mut state = self.state();
            state.busy -= 1;
            let busy = f64::from(state.busy);
            state.usage.set(now_us, busy);
        }
        drop(unfinished);
        self.start_batches();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for Batcher {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let mut state = self.state();
        let busy = state.usage.sample(now_us);
        report(WORKER_UTILIZATION, busy / f64::from(state.servers));
        report(QUEUE_DEPTH, state.waiting.len() as f64);
    }
}
