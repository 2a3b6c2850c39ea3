//! Locks: one holder at a time, for everything or for each key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::Dist;
use ragdoll_model::topology::LockScope;
use ragdoll_runtime::Stream;
use ragdoll_runtime::random::sample_us;
use ragdoll_telemetry::metrics::{LOCK_UTILIZATION, LOCK_WAITERS};
use ragdoll_telemetry::names::{LOCK_HOLD, LOCK_NAME, LOCK_WAIT};
use ragdoll_telemetry::{Gauge, KeyValue, Observe, RequestContext};

use crate::average::TimeAverage;
use crate::gate::Gate;
use crate::instance::Instance;

/// A lock, or a family of locks with a key each.
#[derive(Debug)]
pub struct Lock {
    instance: Arc<Instance>,
    name: &'static str,
    scope: LockScope,
    random: Stream,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    gates: BTreeMap<Box<str>, Gate>,
    held: u32,
    usage: TimeAverage,
}

impl Lock {
    /// A lock of this name, which appears in its spans.
    pub fn new(instance: &Arc<Instance>, name: &'static str, scope: LockScope) -> Arc<Self> {
        let lock = Arc::new(Lock {
            instance: instance.clone(),
            name,
            scope,
            random: instance.random.child("lock-hold").child(name),
            state: Mutex::default(),
        });
        instance.telemetry.observe(&lock);
        lock
    }

    /// Waits for the lock and holds it for a time from `hold`.
    pub async fn hold(&self, context: &RequestContext, key: &str, hold: &Dist) {
        let overrides = self.instance.overrides(context);
        let hold = overrides.lock_hold.as_ref().unwrap_or(hold);
        let key = match overrides.lock_scope.unwrap_or(self.scope) {
            LockScope::Global => "",
            LockScope::PerKey => key,
        };
        let clock = &self.instance.clock;
        let telemetry = &self.instance.telemetry;
        let attributes = || vec![KeyValue::new(LOCK_NAME, self.name)];

        let arrived_us = clock.now_us();
        let gate = self.gate(key);
        let pass = gate.enter(None).await.expect("a lock's queue has no bound");
        let held_us = clock.now_us();
        if held_us > arrived_us {
            telemetry.interval(LOCK_WAIT, &context.span, arrived_us, attributes());
        }
        let held = Held::new(self);
        let hold_us = sample_us(hold, &mut context.random(self.random));
        clock.sleep_us(hold_us).await;
        telemetry.interval(LOCK_HOLD, &context.span, held_us, attributes());
        drop(held);
        drop(pass);
        if gate.is_idle() {
            self.state().gates.remove(key);
        }
    }

    fn gate(&self, key: &str) -> Gate {
        let mut state = self.state();
        if let Some(gate) = state.gates.get(key) {
            return gate.clone();
        }
        let gate = Gate::new(self.instance.clock.clone(), 1);
        state.gates.insert(key.into(), gate.clone());
        gate
    }

    fn change_held(&self, change: i32) {
        let now_us = self.instance.clock.now_us();
        let mut state = self.state();
        state.held = state.held.saturating_add_signed(change);
        let level = f64::from(state.held);
        state.usage.set(now_us, level);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a lock as held until it is dropped, which a caller that gives up does early.
struct Held<'a>(&'a Lock);

impl<'a> Held<'a> {
    fn new(lock: &'a Lock) -> Self {
        lock.change_held(1);
        Held(lock)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.change_held(-1);
    }
}

impl Observe for Lock {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let mut state = self.state();
        let held = state.usage.sample(now_us);
        let waiting: usize = state.gates.values().map(Gate::waiting).sum();
        report(LOCK_UTILIZATION, held.min(1.0));
        report(LOCK_WAITERS, waiting as f64);
    }
}
