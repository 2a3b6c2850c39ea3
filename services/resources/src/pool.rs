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
        let pool = Pool::unobserved(instance, name, size, acquire_timeout_ms);
        instance.telemetry.observe(&pool);
        pool
    }

    /// The same without gauges, for one of several whose gauges are those of [`Pools`].
    pub fn unobserved(
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
        instance
            .controls
            .on_change(move |overrides| gate.set_capacity(usable(overrides)));
        pool
    }

    /// Connections in use; one that was taken and never given back is so for ever.
    fn used(&self) -> u32 {
        let lost = self.size - self.gate.capacity();
        self.gate.inside() + lost
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
    fn observe(&self, _: u64, report: &mut dyn FnMut(Gauge, f64)) {
        report(POOL_USED, f64::from(self.used()));
        report(POOL_MAX, f64::from(self.size));
        report(POOL_PENDING, self.gate.waiting() as f64);
    }
}

/// The pools of an instance that keeps several. An instance has one value of each gauge at a time:
/// here they are those of the fullest pool, since pools with room do not make up for one without.
#[derive(Debug)]
pub struct Pools {
    pools: Vec<Arc<Pool>>,
}

impl Pools {
    /// The gauges of these pools, for as long as this is kept; none where there is no pool.
    pub fn new(instance: &Arc<Instance>, pools: Vec<Arc<Pool>>) -> Arc<Self> {
        let pools = Arc::new(Pools { pools });
        instance.telemetry.observe(&pools);
        pools
    }
}

impl Observe for Pools {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        let fullness = |pool: &Pool| {
            let share = f64::from(pool.used()) / f64::from(pool.size);
            (share, pool.gate.waiting())
        };
        let fullest = self.pools.iter().max_by(|a, b| {
            let ((a, a_waiting), (b, b_waiting)) = (fullness(a), fullness(b));
            a.total_cmp(&b).then(a_waiting.cmp(&b_waiting))
        });
        if let Some(pool) = fullest {
            pool.observe(now_us, report);
        }
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_model::Service;
    use ragdoll_runtime::run_virtual;

    use super::*;
    use crate::testing::Bench;

    #[test]
    fn of_several_pools_the_fullest_is_seen() {
        run_virtual(|clock| async move {
            let bench = Bench::new(&clock, Service::GATEWAY, 1);
            let pool = |name, size| Pool::unobserved(&bench.instance, name, size, 1000.0);
            let pools = vec![pool("cart", 4), pool("tax", 2)];
            let _kept = Pools::new(&bench.instance, pools.clone());
            let context = RequestContext::new("1", "user-1");
            let _cart = pools[0].acquire(&context).await.expect("a connection");
            let _tax = pools[1].acquire(&context).await.expect("a connection");
            bench.instance.sample_gauges();
            let said = bench.take().metrics;
            let of = |gauge| {
                let samples = said.iter().filter(|sample| sample.gauge == gauge);
                samples.map(|sample| sample.value).collect::<Vec<_>>()
            };
            assert_eq!((of(POOL_USED), of(POOL_MAX)), (vec![1.0], vec![2.0]));
        });
    }
}
