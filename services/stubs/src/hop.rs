//! A service of a graph: workers, memory, and the stages that a request passes.

mod behaviour;
mod calls;
mod entry;
mod failure;
mod request;
mod server;
mod stage;

use std::sync::Arc;

use bytes::Bytes;
use ragdoll_model::{Graph, GraphService, Service};
use ragdoll_resources::{Instance, Memory, Pools, Workers};
use ragdoll_telemetry::RequestContext;
use tonic::Status;

pub use self::behaviour::Behaviours;
use self::behaviour::Custom;
use self::calls::Downstream;
pub use self::entry::router;
pub use self::failure::{Code, Failure};
use self::request::Place;
pub use self::request::Request;
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
    inside: Inside,
    /// Kept for the gauges.
    _pools: Option<Arc<Pools>>,
    /// What every answer holds.
    answer: Bytes,
}

/// What becomes of a request that has a worker.
enum Inside {
    /// It passes what was described.
    Stages(Stages),
    /// A function serves it.
    Custom(Custom),
}

impl HopStub {
    /// The service `spec` of `graph`. `client_of` makes a client of a service that it calls.
    ///
    /// # Panics
    /// Where `behaviours` lacks the one that `spec` names; see [`Behaviours::missing`].
    pub fn new(
        instance: &Arc<Instance>,
        spec: &GraphService,
        graph: &Graph,
        behaviours: &Behaviours,
        client_of: impl Fn(Service) -> Client,
    ) -> Self {
        let workers =
            Workers::with_shedding(instance, spec.workers, spec.queue_bound, spec.shedding);
        let inside = match &spec.behaviour {
            None => Inside::Stages(Stages::new(instance, spec, graph, client_of)),
            Some(name) => {
                let behaviour = behaviours.get(name);
                let calls = spec.all_calls().zip(1..);
                let calls = calls.map(|(call, position)| {
                    let client = client_of(call.service);
                    Downstream::new(instance, call, position, graph, client)
                });
                let place = Place::new(instance, spec, &workers, calls.collect());
                Inside::Custom(Custom::new(behaviour, place))
            }
        };
        let pools: Vec<_> = match &inside {
            Inside::Stages(stages) => stages.pools().cloned().collect(),
            Inside::Custom(custom) => custom.pools().cloned().collect(),
        };
        HopStub {
            hop: Arc::new(Hop {
                instance: instance.clone(),
                workers,
                memory: spec
                    .memory
                    .clone()
                    .map(|memory| Memory::new(instance, memory)),
                inside,
                _pools: (!pools.is_empty()).then(|| Pools::new(instance, pools)),
                answer: Bytes::from(vec![b'.'; spec.response_bytes as usize]),
                spec: spec.clone(),
            }),
        }
    }
}

impl Hop {
    /// Serves one request from its queue to its answer.
    async fn serve(&self, context: &RequestContext, payload: Bytes) -> Result<Bytes, Status> {
        let _worker = self.workers.acquire(context).await?;
        let _memory = match &self.memory {
            None => None,
            Some(memory) => Some(memory.allocate(context, payload.len() as u64).await),
        };
        match &self.inside {
            Inside::Stages(stages) => {
                let visit = Visit {
                    instance: &self.instance,
                    workers: &self.workers,
                    context,
                };
                stages.pass(&visit).await?;
                Ok(self.answer.clone())
            }
            Inside::Custom(custom) => custom.serve(context, payload).await,
        }
    }
}
