//! A service of a graph: workers, some work, a lock, memory, and calls of others.

mod calls;
mod entry;
mod server;

use std::sync::Arc;

use bytes::Bytes;
use ragdoll_model::{Graph, GraphService, Service};
use ragdoll_resources::{Cpu, Instance, Lock, Memory, Pools, Workers};
use ragdoll_telemetry::RequestContext;
use tonic::Status;

use self::calls::Downstream;
pub use self::entry::router;
use crate::client::Client;

/// A service of a graph, on one instance: by itself a gRPC server with one method, whose name is the
/// service's own.
#[derive(Clone)]
pub struct HopStub {
    hop: Arc<Hop>,
}

struct Hop {
    instance: Arc<Instance>,
    spec: GraphService,
    workers: Arc<Workers>,
    cpu: Arc<Cpu>,
    lock: Option<Arc<Lock>>,
    memory: Option<Arc<Memory>>,
    /// The calls in groups, one after the other; those of a group are made at once.
    groups: Vec<Vec<Downstream>>,
    /// Kept for the gauges.
    _pools: Option<Arc<Pools>>,
    /// What every answer holds.
    answer: Bytes,
}

impl HopStub {
    /// The service `spec` of `graph`. `client_of` makes a client of a service that it calls.
    pub fn new(
        instance: &Arc<Instance>,
        spec: &GraphService,
        graph: &Graph,
        client_of: impl Fn(Service) -> Client,
    ) -> Self {
        let mut position = 0;
        let groups: Vec<Vec<Downstream>> = spec
            .call_groups()
            .map(|group| {
                let calls = group.iter().map(|call| {
                    position += 1;
                    let client = client_of(call.service);
                    Downstream::new(instance, call, position, graph, client)
                });
                calls.collect()
            })
            .collect();
        let calls = groups.iter().flatten();
        let pools: Vec<_> = calls.filter_map(|call| call.pool().cloned()).collect();
        let lock =
            |lock: ragdoll_model::GraphLock| Lock::new(instance, spec.name.name(), lock.scope);
        HopStub {
            hop: Arc::new(Hop {
                instance: instance.clone(),
                workers: Workers::with_shedding(
                    instance,
                    spec.workers,
                    spec.queue_bound,
                    spec.shedding,
                ),
                cpu: Cpu::new(instance, spec.cores(), spec.cpu_quota_ms),
                lock: spec.lock.map(lock),
                memory: spec
                    .memory
                    .clone()
                    .map(|memory| Memory::new(instance, memory)),
                groups,
                _pools: (!pools.is_empty()).then(|| Pools::new(instance, pools)),
                answer: Bytes::from(vec![b'.'; spec.response_bytes as usize]),
                spec: spec.clone(),
            }),
        }
    }
}

impl Hop {
    /// Serves one request of `request_bytes` from its queue to its answer.
    async fn serve(&self, context: &RequestContext, request_bytes: u64) -> Result<(), Status> {
        let _worker = self.workers.acquire(context).await?;
        let _memory = match &self.memory {
            None => None,
            Some(memory) => Some(memory.allocate(context, request_bytes).await),
        };
        let work_us = self
            .workers
            .service_time_us(context, &self.spec.service_time);
        let before_us = self.work_before_calls_us(work_us);
        self.cpu.run(context, before_us).await;
        if let (Some(lock), Some(spec)) = (&self.lock, &self.spec.lock) {
            lock.hold(context, &context.user_id, &spec.hold).await?;
        }
        for group in &self.groups {
            calls::make(&self.instance, context, group).await?;
        }
        if before_us < work_us {
            self.cpu.run(context, work_us - before_us).await;
        }
        Ok(())
    }

    fn work_before_calls_us(&self, work_us: u64) -> u64 {
        if self.groups.is_empty() {
            return work_us;
        }
        let before_us = (work_us as f64 * self.spec.work_before_calls).round() as u64;
        before_us.min(work_us)
    }
}
