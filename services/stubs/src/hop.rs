//! A service of a graph: workers, memory, and the stages that a request passes.

mod behaviour;
mod calls;
mod content;
mod entry;
mod failure;
mod fusion;
mod message;
mod request;
mod search;
mod server;
mod stage;
mod surroundings;

use std::sync::Arc;

use bytes::Bytes;
use ragdoll_model::{GraphService, Service, Stage};
use ragdoll_resources::{Instance, Memory, Pools, Workers};
use ragdoll_telemetry::RequestContext;
use tonic::Status;

pub use self::behaviour::Behaviours;
use self::behaviour::Custom;
use self::calls::Downstream;
use self::content::Carried;
pub use self::entry::router;
pub use self::failure::{Code, Failure};
use self::message::{Message, Served};
use self::request::Place;
pub use self::request::Request;
pub use self::search::Searchers;
use self::stage::{Stages, Visit};
pub use self::surroundings::Surroundings;
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
    /// Whether requests carry what they are about.
    carries_content: bool,
}

/// What becomes of a request that has a worker.
enum Inside {
    /// It passes what was described.
    Stages(Stages),
    /// A function serves it.
    Custom(Custom),
}

impl HopStub {
    /// The service `spec` of the graph around it. `client_of` makes a client of a service that it calls.
    ///
    /// # Panics
    /// Where the behaviours lack the one that `spec` names; see [`Behaviours::missing`].
    pub fn new(
        instance: &Arc<Instance>,
        spec: &GraphService,
        around: &Surroundings<'_>,
        client_of: impl Fn(Service) -> Client,
    ) -> Self {
        let workers = Workers::unobserved(instance, spec.workers, spec.queue_bound, spec.shedding);
        // A batch and an engine tell of their own servers and queue, in the workers' place.
        let has_own_servers = |stage: &Stage| matches!(stage, Stage::Batch(_) | Stage::Generate(_));
        if !spec.has_stage(has_own_servers) {
            instance.telemetry.observe(&workers);
        }
        let inside = match &spec.behaviour {
            None => Inside::Stages(Stages::new(instance, spec, around, client_of)),
            Some(name) => {
                let behaviour = around.behaviours.get(name);
                let calls = spec.all_calls().zip(1..);
                let calls = calls.map(|(call, position)| {
                    let client = client_of(call.service);
                    Downstream::new(instance, call, position, around.graph, client)
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
                answer: Bytes::from(vec![b'.'; spec.answer_bytes()]),
                carries_content: around.graph.carries_content(),
                spec: spec.clone(),
            }),
        }
    }
}

impl Hop {
    /// Serves one request from its queue to its answer.
    async fn serve(&self, context: &RequestContext, message: Message) -> Result<Served, Status> {
        let _worker = self.workers.acquire(context).await?;
        let request_bytes = message.payload.len() as u64;
        let _memory = match &self.memory {
            None => None,
            Some(memory) => Some(memory.allocate(context, request_bytes).await),
        };
        let stages = match &self.inside {
            Inside::Stages(stages) => stages,
            Inside::Custom(custom) => return custom.serve(context, message).await,
        };
        let mut attributes = Vec::new();
        let mut carried = message.content.map(Carried::received);
        let mut visit = Visit {
            instance: &self.instance,
            workers: &self.workers,
            context,
            bytes: request_bytes + self.answer.len() as u64,
            carried: &mut carried,
            attributes: &mut attributes,
        };
        stages.pass(&mut visit).await?;
        let answer = Message {
            payload: self.answer.clone(),
            content: carried.map(|carried| carried.answer()),
        };
        Ok(Served { answer, attributes })
    }
}
