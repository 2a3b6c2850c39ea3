//! Functions that serve the requests of a service in place of described stages.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use ragdoll_model::Graph;
use ragdoll_resources::Pool;
use ragdoll_telemetry::RequestContext;

use super::failure::Failure;
use super::message::{Message, Served};
use super::request::{Place, Request};

type Answer = Pin<Box<dyn Future<Output = Result<Bytes, Failure>> + Send>>;
type Behaviour = Arc<dyn Fn(Request) -> Answer + Send + Sync>;

/// Behaviours by the names under which descriptions of systems mention them. Copies share them.
#[derive(Clone, Default)]
pub struct Behaviours {
    by_name: BTreeMap<String, Behaviour>,
}

impl Behaviours {
    /// Adds a behaviour, in place of an earlier one of this name.
    pub fn register<F, A>(&mut self, name: impl Into<String>, behaviour: F)
    where
        F: Fn(Request) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Bytes, Failure>> + Send + 'static,
    {
        let boxed = move |request| -> Answer { Box::pin(behaviour(request)) };
        self.by_name.insert(name.into(), Arc::new(boxed));
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The first service of a graph whose behaviour is not here, by its position, and that behaviour.
    pub fn missing<'g>(&self, graph: &'g Graph) -> Option<(usize, &'g str)> {
        let named = graph.services.iter().enumerate();
        let mut named = named.filter_map(|(at, service)| Some((at, service.behaviour.as_deref()?)));
        named.find(|(_, name)| !self.by_name.contains_key(*name))
    }

    /// The behaviour of this name.
    ///
    /// # Panics
    /// Where there is none.
    pub(super) fn get(&self, name: &str) -> Behaviour {
        let found = self.by_name.get(name);
        let found = found.unwrap_or_else(|| panic!("no behaviour {name:?} in {self:?}"));
        found.clone()
    }
}

impl fmt::Debug for Behaviours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// A behaviour on one instance.
pub(super) struct Custom {
    behaviour: Behaviour,
    place: Arc<Place>,
}

impl Custom {
    pub(super) fn new(behaviour: Behaviour, place: Place) -> Custom {
        Custom {
            behaviour,
            place: Arc::new(place),
        }
    }

    /// The pools of connections of all calls.
    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.place.pools()
    }

    /// Serves a request that has its worker.
    pub(super) async fn serve(
        &self,
        context: &RequestContext,
        message: Message,
    ) -> Result<Served, tonic::Status> {
        let request = Request::new(&self.place, context, message);
        let answer = (self.behaviour)(request.clone()).await;
        let answer = Message {
            payload: answer.map_err(tonic::Status::from)?,
            content: request.found(),
        };
        Ok(Served {
            answer,
            attributes: Vec::new(),
        })
    }
}
