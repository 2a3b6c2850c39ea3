//! Locks: one holder at a time, for everything or for each key.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_model::Dist;
use ragdoll_model::topology::LockScope;
use ragdoll_runtime::random::{ms_to_us, sample_us};
use ragdoll_runtime::{Overrides, Stream};
use ragdoll_telemetry::metrics::{LOCK_UTILIZATION, LOCK_WAITERS};
use ragdoll_telemetry::names::{LOCK_HOLD, LOCK_NAME, LOCK_WAIT};
use ragdoll_telemetry::{Gauge, KeyValue, Observe, RequestContext};

use crate::error::ResourceError;
use crate::gate::Gate;
use crate::instance::Instance;
use crate::interval::Interval;

/// A lock, or a family of locks with a key each.
#[derive(Debug)]
pub struct Lock {
    instance: Arc<Instance>,
    name: Arc<str>,
    scope: LockScope,
    random: Stream,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The locks that were used since the last sample. A handle to one is only ever taken from here,
    /// so that under this mutex an unshared gate is one that nobody holds or waits for.
    gates: BTreeMap<Box<str>, Gate>,
    sampled_us: u64,
    /// Whether work of the process's own holds all of them.
    seized: bool,
}

impl Lock {
    /// A lock of this name, which appears in its spans.
    pub fn new(instance: &Arc<Instance>, name: &str, scope: LockScope) -> Arc<Self> {
        let lock = Arc::new(Lock {
            instance: instance.clone(),
            name: name.into(),
            scope,
            random: instance.random.child("lock-hold").child(name),
            state: Mutex::new(State {
                gates: BTreeMap::new(),
                sampled_us: instance.clock.now_us(),
                seized: is_seized(&instance.controls.current()),
            }),
        });
        instance.telemetry.observe(&lock);
        let weak = Arc::downgrade(&lock);
        instance.controls.on_change(move |overrides| {
            if let Some(lock) = weak.upgrade() {
                lock.seize(is_seized(overrides));
            }
        });
        lock
    }

    /// Lets work of the process's own hold the lock, every one of a family, or give it back.
    fn seize(&self, seized: bool) {
        let gates: Vec<Gate> = {
            let mut state = self.state();
            if std::mem::replace(&mut state.seized, seized) == seized {
                return;
            }
            state.gates.values().cloned().collect()
        };
        for gate in gates {
            gate.set_closed(seized);
        }
    }

    /// Waits for the lock and holds it for a time from `hold`. Errors with
    /// [`ResourceError::Deadlock`] where the holder finds that it waits for one who waits for it.
    pub async fn hold(
        &self,
        context: &RequestContext,
        key: &str,
        hold: &Dist,
    ) -> Result<(), ResourceError> {
        let overrides = self.instance.overrides(context);
        let hold = overrides.lock_hold.as_ref().unwrap_or(hold);
        let key = match overrides.lock_scope.unwrap_or(self.scope) {
            LockScope::Global => "",
            LockScope::PerKey => key,
        };
        let interval = |name| {
            let lock_name = KeyValue::new(LOCK_NAME, self.name.clone());
            Interval::begin(&self.instance, context, name, Some(lock_name))
        };

        let gate = self.gate(key);
        let waiting = interval(LOCK_WAIT);
        let entered = gate.enter(None).await;
        let pass = entered.expect("a lock's queue has no bound");
        if pass.waited() {
            // Whoever waits has to be woken first; the lock is taken meanwhile.
            let handoff_ms = overrides.lock_handoff_ms.unwrap_or(0.0);
            self.instance.clock.sleep_us(ms_to_us(handoff_ms)).await;
        }
        drop(waiting);
        let _holding = interval(LOCK_HOLD);
        if let Some(deadlock_ms) = overrides.deadlock_ms {
            self.instance.clock.sleep_us(ms_to_us(deadlock_ms)).await;
            return Err(ResourceError::Deadlock {
                lock: self.name.to_string(),
            });
        }
        let hold_us = sample_us(hold, &mut context.random(self.random));
        self.instance.clock.work_us(hold_us).await;
        Ok(())
    }

    fn gate(&self, key: &str) -> Gate {
        let mut state = self.state();
        if let Some(gate) = state.gates.get(key) {
            return gate.clone();
        }
        let gate = Gate::new(self.instance.clock.clone(), 1, state.sampled_us);
        if state.seized {
            gate.set_closed(true);
        }
        state.gates.insert(key.into(), gate.clone());
        gate
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_seized(overrides: &Overrides) -> bool {
    overrides.lock_seized == Some(true)
}

impl Observe for Lock {
    /// Of locks with a key each, the busiest one's utilization: locks with little to do do not make
    /// up for one with much.
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let mut state = self.state();
        let busiest = state
            .gates
            .values()
            .map(|gate| gate.sample_utilization(now_us))
            .fold(0.0, f64::max);
        let waiting: usize = state.gates.values().map(Gate::waiting).sum();
        state.gates.retain(|_, gate| !gate.is_unshared());
        state.sampled_us = now_us;
        report(LOCK_UTILIZATION, busiest);
        report(LOCK_WAITERS, waiting as f64);
    }
}
