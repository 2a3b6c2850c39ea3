//! Dynamic batching: a free server takes what is waiting, up to a limit, and works on it at once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::Dist;
use ragdoll_model::mitigation::Shedding;
use ragdoll_runtime::random::{ms_to_us, sample_us};
use ragdoll_runtime::{Overflow, Overrides, Stream};
use ragdoll_telemetry::metrics::{QUEUE_DEPTH, WORKER_UTILIZATION};
use ragdoll_telemetry::names::QUEUE_WAIT;
use ragdoll_telemetry::{Gauge, Observe, RequestContext};
use tokio::sync::oneshot;

use crate::average::TimeAverage;
use crate::error::ResourceError;
use crate::instance::Instance;
use crate::interval::Interval;
use crate::shedding::{check_arrival, check_deadline, patience_us};

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
    /// Items that are refused.
    pub shedding: Shedding,
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
    /// Items that are worked on.
    in_batches: usize,
    /// Share of the servers that are busy.
    usage: TimeAverage,
}

#[derive(Debug)]
struct Item {
    draw_key: u64,
    factor: f64,
    deadline_us: Option<u64>,
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
                in_batches: 0,
                usage: TimeAverage::since(instance.clock.now_us()),
            }),
        });
        instance.telemetry.observe(&batcher);
        batcher.obey(&instance.controls.current());
        let weak = Arc::downgrade(&batcher);
        instance.controls.on_change(move |overrides| {
            if let Some(batcher) = weak.upgrade() {
                batcher.obey(overrides);
            }
        });
        batcher
    }

    fn obey(self: &Arc<Self>, overrides: &Overrides) {
        {
            let mut state = self.state();
            state.servers = overrides.servers.unwrap_or(self.spec.servers).max(1);
            state.change_busy(0, self.instance.clock.now_us());
        }
        self.start_batches();
    }

    /// Has one item worked on. Errors with [`ResourceError::QueueFull`] where the queue may not
    /// grow, and as [`Shedding`] says.
    pub async fn serve(self: &Arc<Self>, context: &RequestContext) -> Result<(), ResourceError> {
        let overrides = self.instance.overrides(context);
        let bound = overrides.queue_bound.unwrap_or(self.spec.queue_bound) as usize;
        let rejects = overrides.overflow.unwrap_or(Overflow::Reject) == Overflow::Reject;
        let (started, starts) = oneshot::channel();
        {
            let mut state = self.state();
            if self.spec.shedding.max_in_flight > 0 {
                let in_flight = state.forget_abandoned() + state.in_batches;
                check_arrival(&self.spec.shedding, in_flight)?;
            }
            if rejects && state.waiting.len() >= bound && state.busy >= state.servers {
                let waiting = state.forget_abandoned();
                if waiting >= bound {
                    return Err(ResourceError::QueueFull { waiting, bound });
                }
            }
            state.waiting.push_back(Item {
                draw_key: context.draw_key().0,
                factor: overrides.service_time_factor.unwrap_or(1.0)
                    * overrides.batch_item_factor.unwrap_or(1.0),
                deadline_us: context.deadline_us,
                started,
            });
        }
        self.start_batches();
        let waiting = Interval::begin(&self.instance, context, QUEUE_WAIT, None);
        let started = match patience_us(&self.spec.shedding) {
            None => Ok(starts.await),
            Some(limit_us) => self.instance.clock.timeout_us(limit_us, starts).await,
        };
        drop(waiting);
        let limit_ms = self.spec.shedding.shed_after_ms as u64;
        let started = started.map_err(|_| ResourceError::WaitedTooLong { limit_ms })?;
        // A batch starts every item but those whose deadline has passed.
        let finished = started.map_err(|_| ResourceError::Expired)?;
        match finished.await {
            Ok(()) => Ok(()),
            // The process died; its server stack answers in its place.
            Err(_) => std::future::pending().await,
        }
    }

    fn start_batches(self: &Arc<Self>) {
        while let Some(batch) = self.next_batch() {
            let batcher = self.clone();
            tokio::spawn(async move { batcher.run(batch).await });
        }
    }

    /// Takes a server and what it shall work on. A process that is down starts nothing.
    fn next_batch(&self) -> Option<Vec<Item>> {
        let now_us = self.instance.clock.now_us();
        let mut state = self.state();
        if state.busy >= state.servers || !self.instance.process.is_up() {
            return None;
        }
        let size = self.spec.max_batch.max(1) as usize;
        let mut batch = Vec::with_capacity(size.min(state.waiting.len()));
        while batch.len() < size {
            match state.waiting.pop_front() {
                Some(item) if item.started.is_closed() => {}
                Some(item) if self.has_expired(&item, now_us) => {}
                Some(item) => batch.push(item),
                None => break,
            }
        }
        if batch.is_empty() {
            return None;
        }
        state.in_batches += batch.len();
        state.change_busy(1, now_us);
        Some(batch)
    }

    fn has_expired(&self, item: &Item, now_us: u64) -> bool {
        check_deadline(&self.spec.shedding, item.deadline_us, now_us).is_err()
    }

    async fn run(self: Arc<Self>, batch: Vec<Item>) {
        let mut rng = self.random.at(batch[0].draw_key);
        let slowest = batch.iter().map(|item| item.factor).fold(0.0, f64::max);
        let first_us = sample_us(&self.spec.service_time, &mut rng);
        let others_us = ms_to_us(self.spec.per_item_ms) * (batch.len() as u64 - 1);
        let batch_us = ((first_us + others_us) as f64 * slowest).round() as u64;

        let mut unfinished = Vec::with_capacity(batch.len());
        for item in batch {
            let (finish, finished) = oneshot::channel::<()>();
            // An item whose caller gave up in this very moment is worked on in vain.
            let _ = item.started.send(finished);
            unfinished.push(finish);
        }
        let work = self.instance.work_us(batch_us);
        let done = self.instance.process.or_death(work).await;
        let now_us = self.instance.clock.now_us();
        {
            let mut state = self.state();
            state.in_batches -= unfinished.len();
            state.change_busy(-1, now_us);
        }
        if done.is_some() {
            for finish in unfinished {
                // Nobody waits for an item whose caller gave up.
                let _ = finish.send(());
            }
        }
        self.start_batches();
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes items whose callers gave up out of the queue; returns how many still wait.
    fn forget_abandoned(&mut self) -> usize {
        self.waiting.retain(|item| !item.started.is_closed());
        self.waiting.len()
    }

    fn change_busy(&mut self, change: i32, now_us: u64) {
        self.busy = self
            .busy
            .checked_add_signed(change)
            .unwrap_or_else(|| panic!("{} busy servers cannot change by {change}", self.busy));
        let share = f64::from(self.busy) / f64::from(self.servers);
        self.usage.set(now_us, share.min(1.0));
    }
}

impl Observe for Batcher {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let mut state = self.state();
        report(WORKER_UTILIZATION, state.usage.sample(now_us));
        report(QUEUE_DEPTH, state.forget_abandoned() as f64);
    }
}
