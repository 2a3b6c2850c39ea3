//! A graph of services: wired from the leaves up.

use std::sync::Arc;

use ragdoll_runtime::BoxService;
use ragdoll_stubs::Corpus;
use ragdoll_stubs::hop::{self, HopStub};

use super::Wiring;

impl Wiring<'_> {
    /// Starts every service of the graph that is here. Users' queries come to the first by HTTP, the
    /// others speak gRPC.
    pub(super) fn start_graph(&self, corpus: &Arc<Corpus>) {
        let graph = &self.topology.graph;
        let entry = self.topology.entry();
        let around = hop::Surroundings {
            graph,
            behaviours: self.behaviours,
            corpus,
            searchers: &hop::Searchers::default(),
        };
        for spec in graph.from_the_leaves() {
            let service = spec.name;
            for instance in self.instances_of(service) {
                let client_of = |callee| self.client_of(&instance.id, callee);
                let stub = HopStub::new(&instance, spec, &around, client_of);
                if service == entry {
                    self.serve_http(&instance, hop::router(&stub, graph.deadline_ms));
                } else {
                    self.serve(&instance, BoxService::new(stub));
                }
            }
        }
    }
}
