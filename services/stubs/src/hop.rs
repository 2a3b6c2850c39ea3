//! A service of a graph: workers, memory, and the stages that a request passes.

mod calls;
mod entry;
mod server;
mod stage;

use std::sync::Arc;

use bytes::Bytes;
use ragdoll_model::{Graph, GraphService, Service};
use ragdoll_resources::{Instance, Memory, Pools, Workers};
use ragdoll_telemetry::RequestContext;
use tonic::Status;

pub use self::entry::router;
use self::stage::{Stages, Visit};
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
    memory: Option<Arc<Memory>>,
    stages: Stages,
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
        let workers =
            Workers::with_shedding(instance, spec.workers, spec.queue_bound, spec.shedding);
        let stages = Stages::new(instance, spec, graph, client_of);
        let pools: Vec<_> = stages.pools().cloned().collect();
        HopStub {
            hop: Arc::new(Hop {
                instance: instance.clone(),
                workers,
                memory: spec
                    .memory
                    .clone()
                    .map(|memory| Memory::new(instance, memory)),
                stages,
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
        let visit = Visit {
            instance: &self.instance,
            workers: &self.workers,
            context,
        };
        self.stages.pass(&visit).await
    }
}
