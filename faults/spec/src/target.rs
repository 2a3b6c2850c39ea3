//! Where a fault acts.

use std::fmt;

use ragdoll_model::{InstanceId, Service, Topology};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every pair of services of the RAG system that call each other, caller first.
pub const EDGES: [(Service, Service); 10] = [
    (Service::CLIENT, Service::GATEWAY),
    (Service::CLIENT, Service::INGEST_API),
    (Service::GATEWAY, Service::METADATA),
    (Service::GATEWAY, Service::EMBEDDER),
    (Service::GATEWAY, Service::VECTOR_DB),
    (Service::GATEWAY, Service::RERANKER),
    (Service::GATEWAY, Service::LLM),
    (Service::VECTOR_DB, Service::SHARD),
    (Service::INGEST_WORKER, Service::EMBEDDER),
    (Service::INGEST_WORKER, Service::SHARD),
];

/// Whether `from` calls `to` in the RAG system.
pub fn edge_exists(from: Service, to: Service) -> bool {
    EDGES.contains(&(from, to))
}

/// Every pair of services that call each other in this system, caller first: the client's, then
/// those of the callers in their order.
pub fn edges(topology: &Topology) -> Vec<(Service, Service)> {
    if topology.graph.is_empty() {
        return EDGES.to_vec();
    }
    let mut edges = vec![(Service::CLIENT, topology.entry())];
    for edge in topology.graph.edges() {
        if !edges.contains(&edge) {
            edges.push(edge);
        }
    }
    edges
}

/// What a fault acts on: a whole service, one instance, the calls from one service to another, or those
/// between zones. Exactly one of the four is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Target {
    /// Every instance of this service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The instance with this `service.instance.id`, such as `shard-2-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The calls from one service to another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
    /// The calls between these two zones, whoever makes them; of one zone those between it and all others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub zones: Option<Vec<String>>,
}

/// The calls from one service to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The caller.
    pub from: Service,
    /// The callee.
    pub to: Service,
}

impl Target {
    /// Every instance of `service`.
    pub fn service(service: Service) -> Self {
        Target {
            service: Some(service),
            ..Target::default()
        }
    }

    /// The instance with this name.
    pub fn instance(name: impl Into<String>) -> Self {
        Target {
            instance: Some(name.into()),
            ..Target::default()
        }
    }

    /// The calls from `from` to `to`.
    pub fn edge(from: Service, to: Service) -> Self {
        Target {
            edge: Some(Edge { from, to }),
            ..Target::default()
        }
    }

    /// The calls between two zones, or between one and all others.
    pub fn zones(names: &[&str]) -> Self {
        Target {
            zones: Some(names.iter().map(|&name| name.to_owned()).collect()),
            ..Target::default()
        }
    }

    /// Names of the keys that are given; a sound target has exactly one.
    pub fn given(&self) -> Vec<&'static str> {
        [
            ("service", self.service.is_some()),
            ("instance", self.instance.is_some()),
            ("edge", self.edge.is_some()),
            ("zones", self.zones.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, given)| given.then_some(name))
        .collect()
    }

    /// Whether the fault acts on this instance. Always false for an edge and for zones.
    pub fn matches(&self, instance: &InstanceId) -> bool {
        self.service == Some(instance.service())
            || self.instance.as_deref() == Some(instance.name())
    }

    /// Whether the fault acts on calls from `from` to `to`. Always false for every target but an
    /// edge.
    pub fn matches_edge(&self, from: Service, to: Service) -> bool {
        self.edge == Some(Edge { from, to })
    }

    /// Whether the fault acts on calls from the zone `from` to the zone `to`. Always false within a zone,
    /// and for every target but zones.
    pub fn matches_crossing(&self, from: &str, to: &str) -> bool {
        let crossing = match self.zones.as_deref() {
            Some([one]) => one == from || one == to,
            Some([one, other]) => (one == from && other == to) || (one == to && other == from),
            _ => false,
        };
        crossing && from != to
    }

    /// The instances that the fault acts on, in the topology's order. Empty for an edge and for zones, and for
    /// an instance that the topology does not have.
    pub fn instances(&self, topology: &Topology) -> Vec<InstanceId> {
        topology
            .instances()
            .into_iter()
            .filter(|instance| self.matches(instance))
            .collect()
    }

    /// The service that the fault acts on: of an edge, the callee. `None` for zones, and where
    /// the topology has no such instance.
    pub fn service_in(&self, topology: &Topology) -> Option<Service> {
        match self.edge {
            Some(edge) => Some(edge.to),
            None => self
                .service
                .or_else(|| self.instances(topology).first().map(InstanceId::service)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (edge, zones) = (&self.edge, self.zones.as_deref());
        match (&self.service, &self.instance, edge, zones) {
            (Some(service), ..) => service.fmt(f),
            (_, Some(instance), ..) => f.write_str(instance),
            (_, _, Some(edge), _) => write!(f, "{} -> {}", edge.from, edge.to),
            (.., Some([one])) => write!(f, "zone {one}"),
            (.., Some(zones)) => write!(f, "zones {}", zones.join(" and ")),
            (None, None, None, None) => f.write_str("nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_matches_each_of_its_instances_and_no_other() {
        let topology = Topology::default();
        let target = Target::service(Service::SHARD);
        assert_eq!(target.instances(&topology).len(), 8);
        assert!(target.matches(&InstanceId::shard(2, 1)));
        assert!(!target.matches(&InstanceId::new(Service::LLM, 0)));
        assert!(!target.matches_edge(Service::VECTOR_DB, Service::SHARD));
    }

    #[test]
    fn an_instance_matches_itself_and_tells_its_service() {
        let topology = Topology::default();
        let target = Target::instance("shard-2-1");
        assert_eq!(target.instances(&topology), [InstanceId::shard(2, 1)]);
        assert_eq!(target.service_in(&topology), Some(Service::SHARD));
        assert_eq!(Target::instance("shard-9-0").service_in(&topology), None);
    }

    #[test]
    fn zones_match_the_calls_that_cross_between_them() {
        let one = Target::zones(&["a"]);
        assert!(one.matches_crossing("a", "b") && one.matches_crossing("c", "a"));
        assert!(!one.matches_crossing("a", "a") && !one.matches_crossing("b", "c"));
        let two = Target::zones(&["a", "b"]);
        assert!(two.matches_crossing("a", "b") && two.matches_crossing("b", "a"));
        assert!(!two.matches_crossing("a", "c") && !two.matches_crossing("a", "a"));
        assert!(!Target::service(Service::LLM).matches_crossing("a", "b"));
        assert_eq!(two.given(), ["zones"]);
        assert!(two.instances(&Topology::default()).is_empty());
        assert_eq!(
            (one.to_string(), two.to_string()),
            ("zone a".to_owned(), "zones a and b".to_owned())
        );
    }

    #[test]
    fn an_edge_matches_one_direction_and_no_instance() {
        let topology = Topology::default();
        let target = Target::edge(Service::GATEWAY, Service::LLM);
        assert!(target.matches_edge(Service::GATEWAY, Service::LLM));
        assert!(!target.matches_edge(Service::LLM, Service::GATEWAY));
        assert!(target.instances(&topology).is_empty());
        assert_eq!(target.service_in(&topology), Some(Service::LLM));
        assert_eq!(target.to_string(), "gateway -> llm");
    }

    #[test]
    fn the_edges_of_a_graph_are_its_calls_and_the_clients() {
        use ragdoll_model::{GraphCall, GraphService, Service};
        let name = |text| Service::from_name(text).expect("a name");
        let mut cart = GraphService::new(name("cart"));
        cart.calls = vec![GraphCall::new(name("tax")), GraphCall::new(name("tax"))];
        let mut topology = Topology::default();
        assert_eq!(edges(&topology), EDGES);
        topology.graph.services = vec![cart, GraphService::new(name("tax"))];
        let (cart, tax) = (name("cart"), name("tax"));
        assert_eq!(edges(&topology), [(Service::CLIENT, cart), (cart, tax)]);
        assert_eq!(Target::service(tax).instances(&topology).len(), 1);
        assert_eq!(Target::instance("cart-0").service_in(&topology), Some(cart));
        assert!(
            Target::service(Service::LLM)
                .instances(&topology)
                .is_empty()
        );
    }

    #[test]
    fn every_service_but_the_worker_and_the_client_is_called_by_another() {
        for service in Service::ALL {
            let called = EDGES.iter().any(|&(_, to)| to == service);
            let starts_calls = matches!(service, Service::CLIENT | Service::INGEST_WORKER);
            assert_eq!(called, !starts_calls, "{service}");
        }
        assert!(!edge_exists(Service::GATEWAY, Service::SHARD));
    }
}
