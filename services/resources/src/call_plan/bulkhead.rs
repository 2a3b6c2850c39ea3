//! A bound on the calls of one service that are in progress at once.

use std::sync::Arc;

use ragdoll_model::mitigation;
use ragdoll_runtime::random::ms_to_us;
use ragdoll_telemetry::names::{POOL_ACQUIRE, POOL_NAME};
use ragdoll_telemetry::{KeyValue, RequestContext};
use tonic::Status;

use crate::gate::{Gate, Pass};
use crate::instance::Instance;
use crate::interval::Interval;

/// The bulkhead of one caller for one callee.
#[derive(Debug)]
pub(crate) struct Bulkhead {
    instance: Arc<Instance>,
    callee: &'static str,
    spec: mitigation::Bulkhead,
    gate: Gate,
}

impl Bulkhead {
    /// A bulkhead with nothing behind it; none where it is switched off.
    pub(crate) fn new(
        instance: &Arc<Instance>,
        callee: &'static str,
        spec: mitigation::Bulkhead,
    ) -> Option<Self> {
        let now_us = instance.clock.now_us();
        (spec.max_concurrent > 0).then(|| Bulkhead {
            instance: instance.clone(),
            callee,
            spec,
            gate: Gate::new(instance.clock.clone(), spec.max_concurrent, now_us),
        })
    }

    /// Waits for a place, as long as the bulkhead and the request's deadline allow. Those who wait
    /// are requests in the caller's own workers, and so bounded.
    pub(crate) async fn enter(&self, context: &RequestContext) -> Result<Pass, Status> {
        let clock = &self.instance.clock;
        let left_us = context
            .deadline_us
            .map_or(u64::MAX, |at_us| at_us.saturating_sub(clock.now_us()));
        let limit_us = ms_to_us(self.spec.max_wait_ms).min(left_us);
        let refusal = || {
            Status::resource_exhausted(format!(
                "none of {} concurrent calls of {} came free within {} ms",
                self.spec.max_concurrent, self.callee, self.spec.max_wait_ms
            ))
        };
        if limit_us == 0 {
            return self.gate.enter(Some(0)).await.map_err(|_| refusal());
        }
        let pool = KeyValue::new(POOL_NAME, format!("{} calls", self.callee));
        let waiting = Interval::begin(&self.instance, context, POOL_ACQUIRE, Some(pool));
        let entered = clock.timeout_us(limit_us, self.gate.enter(None)).await;
        drop(waiting);
        match entered {
            Ok(Ok(pass)) => Ok(pass),
            Ok(Err(_)) | Err(_) => Err(refusal()),
        }
    }
}
