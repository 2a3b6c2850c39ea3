//! Workers: a multi-server queue, first come, first served. With exponential arrivals and service
//! it is the M/M/c queue, with a bound M/M/c/K.

use std::sync::Arc;

use ragdoll_model::Dist;
use ragdoll_model::mitigation::Shedding;
use ragdoll_runtime::random::sample_us;
use ragdoll_runtime::{Overflow, Stream};
use ragdoll_telemetry::metrics::{QUEUE_DEPTH, WORKER_UTILIZATION};
use ragdoll_telemetry::names::QUEUE_WAIT;
use ragdoll_telemetry::{Gauge, Observe, RequestContext};

use crate::error::ResourceError;
use crate::gate::{Gate, Pass};
use crate::instance::Instance;
use crate::interval::Interval;
use crate::shedding::{check_arrival, check_deadline, patience_us};

/// A pool of servers and the queue in front of it.
#[derive(Debug)]
pub struct Workers {
    instance: Arc<Instance>,
    gate: Gate,
    queue_bound: u32,
    shedding: Shedding,
    service_random: Stream,
}

/// A server that is taken; dropping it frees the server.
#[derive(Debug)]
pub struct Worker {
    _pass: Pass,
}

impl Workers {
    /// A pool of `servers` servers (at least 1) in front of which `queue_bound` requests may wait.
    pub fn new(instance: &Arc<Instance>, servers: u32, queue_bound: u32) -> Arc<Self> {
        Workers::with_shedding(instance, servers, queue_bound, Shedding::default())
    }

    /// The same, of requests some of which are refused.
    pub fn with_shedding(
        instance: &Arc<Instance>,
        servers: u32,
        queue_bound: u32,
        shedding: Shedding,
    ) -> Arc<Self> {
        let workers = Workers::unobserved(instance, servers, queue_bound, shedding);
        instance.telemetry.observe(&workers);
        workers
    }

    /// The same without gauges, where the instance has servers that matter more.
    pub fn unobserved(
        instance: &Arc<Instance>,
        servers: u32,
        queue_bound: u32,
        shedding: Shedding,
    ) -> Arc<Self> {
        let in_force = instance.controls.current().servers.unwrap_or(servers);
        let now_us = instance.clock.now_us();
        let gate = Gate::new(instance.clock.clone(), in_force, now_us);
        let workers = Arc::new(Workers {
            instance: instance.clone(),
            gate: gate.clone(),
            queue_bound,
            shedding,
            service_random: instance.random.child("service-time"),
        });
        instance.controls.on_change(move |overrides| {
            gate.set_capacity(overrides.servers.unwrap_or(servers));
        });
        workers
    }

    /// Waits for a server. Errors with [`ResourceError::QueueFull`] where the queue may not grow, and
    /// as [`Shedding`] says.
    pub async fn acquire(&self, context: &RequestContext) -> Result<Worker, ResourceError> {
        let overrides = self.instance.overrides(context);
        let bound = overrides.queue_bound.unwrap_or(self.queue_bound) as usize;
        let bound = match overrides.overflow.unwrap_or(Overflow::Reject) {
            Overflow::Reject => Some(bound),
            Overflow::Wait => None,
        };
        let in_flight = self.gate.inside() as usize + self.gate.waiting();
        check_arrival(&self.shedding, in_flight)?;
        let clock = &self.instance.clock;
        let waiting = Interval::begin(&self.instance, context, QUEUE_WAIT, None);
        let entered = match patience_us(&self.shedding) {
            None => Ok(self.gate.enter(bound).await),
            Some(limit_us) => clock.timeout_us(limit_us, self.gate.enter(bound)).await,
        };
        drop(waiting);
        let limit_ms = self.shedding.shed_after_ms as u64;
        match entered.map_err(|_| ResourceError::WaitedTooLong { limit_ms })? {
            Ok(pass) => {
                check_deadline(&self.shedding, context.deadline_us, clock.now_us())?;
                Ok(Worker { _pass: pass })
            }
            Err(full) => Err(ResourceError::QueueFull {
                waiting: full.waiting,
                bound: bound.unwrap_or(usize::MAX),
            }),
        }
    }

    /// A service time for this request, in microseconds.
    pub fn service_time_us(&self, context: &RequestContext, service_time: &Dist) -> u64 {
        let random = &mut context.random(self.service_random);
        self.scaled_us(context, sample_us(service_time, random))
    }

    /// How long work of `work_us` takes these servers: longer or shorter than the topology says
    /// where a factor is in force.
    pub fn scaled_us(&self, context: &RequestContext, work_us: u64) -> u64 {
        match self.instance.overrides(context).service_time_factor {
            None => work_us,
            Some(factor) => (work_us as f64 * factor).round() as u64,
        }
    }

    /// Waits for a server and keeps it for a service time.
    pub async fn serve(
        &self,
        context: &RequestContext,
        service_time: &Dist,
    ) -> Result<(), ResourceError> {
        let _worker = self.acquire(context).await?;
        let service_us = self.service_time_us(context, service_time);
        self.instance.clock.work_us(service_us).await;
        Ok(())
    }
}

impl Observe for Workers {
    fn observe(&self, now_us: u64, report: &mut dyn FnMut(Gauge, f64)) {
        report(WORKER_UTILIZATION, self.gate.sample_utilization(now_us));
        report(QUEUE_DEPTH, self.gate.waiting() as f64);
    }
}
