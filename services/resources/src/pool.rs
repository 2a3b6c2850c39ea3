//! Connection pools: a fixed number of connections, and a limit to how long one is waited for.

use std::sync::Arc;

use ragdoll_runtime::Overrides;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::metrics::{POOL_MAX, POOL_PENDING, POOL_USED};
use ragdoll_telemetry::names::{POOL_ACQUIRE, POOL_NAME};
use ragdoll_telemetry::{Gauge, KeyValue, Observe, RequestContext};

use crate::error::ResourceError;
use crate::gate::{Gate, Pass};
use crate::instance::Instance;
use crate::interval::Interval;

/// Connections to one downstream service.
#[derive(Debug)]
pub struct Pool {
    instance: Arc<Instance>,
    name: &'static str,
    gate: Gate,
    size: u32,
    acquire_timeout_us: u64,
}

/// A connection that is taken; dropping it gives it back.
#[derive(Debug)]
pub struct PooledConnection {
    _pass: Pass,
}

impl Pool {
    /// A pool of `size` connections (at least 1) that waits `acquire_timeout_ms` for one.
    pub fn new(
        instance: &Arc<Instance>,
        name: &'static str,
        size: u32,
        acquire_timeout_ms: f64,
    ) -> Arc<Self> {
        let size = size.max(1);
        let gate = Gate::new(instance.clock.clone(), size, instance.clock.now_us());
        let usable = move |overrides: &Overrides| overrides.pool_size.unwrap_or(size).min(size);
        gate.set_capacity(usable(&instance.controls.current()));
        let pool = Arc::new(Pool {
            instance: instance.clone(),
            name,
            gate: gate.clone(),
            size,
            acquire_timeout_us: ms_to_us(acquire_timeout_ms),
        });
        instance.telemetry.observe(&pool);
        instance
            .controls
            .on_change(move |overrides| gate.set_capacity(usable(overrides)));
        pool
    }

    /// Waits for a connection. Errors with [`ResourceError::PoolTimeout`] where none comes free.
    pub async fn acquire(
        &self,
        context: &RequestContext,
    ) -> Result<PooledConnection, ResourceError> {
        let name = KeyValue::new(POOL_NAME, self.name);
        let waiting = Interval::begin(&self.instance, context, POOL_ACQUIRE, Some(name));
        let entered = self
            .instance
            .clock
            .timeout_us(self.acquire_timeout_us, self.gate.enter(None))
            .await;
        drop(waiting);
        match entered {
            Ok(pass) => Ok(PooledConnection {
                _pass: pass.expect("a pool's queue has no bound"),
            }),
            Err(_) => Err(ResourceError::PoolTimeout {
                pool: self.name.to_owned(),
                timeout_ms: self.acquire_timeout_us / 1000,
            }),
        }
    }
}

impl Observe for Pool {
    /// A connection that was taken and never given back is in use for ever.
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let lost = self.size - self.gate.capacity();
        report(POOL_USED, f64::from(self.gate.inside() + lost));
        report(POOL_MAX, f64::from(self.size));
        report(POOL_PENDING, self.gate.waiting() as f64);
    }
}
