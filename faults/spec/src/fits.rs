//! Whether a kind of fault can act on a service.

use ragdoll_model::{Service, Stage, Topology};

use crate::catalog::KindInfo;
use crate::needs::Needs;

/// Why a kind of fault cannot act on a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// What is wrong, in words that follow the target, such as `is cart, which has no lock`.
    pub message: String,
    /// What to do.
    pub fix: String,
}

impl KindInfo {
    /// Whether faults of this kind can act on `service`, as a whole or by instance, within
    /// `topology`.
    ///
    /// # Errors
    /// Why not.
    pub fn fits(&self, service: Service, topology: &Topology) -> Result<(), Unfit> {
        let graph = &topology.graph;
        let unfit = |message: String, fix: &str| {
            Err(Unfit {
                message,
                fix: fix.to_owned(),
            })
        };
        let has_meaning = graph.is_empty() || self.graph.is_some();
        if !has_meaning {
            return unfit(
                format!(
                    "is {service}, but `{}` means nothing in a graph of services",
                    self.name
                ),
                "choose another kind",
            );
        }
        let reads_tokens = |stage: &Stage| matches!(stage, Stage::Generate(_));
        if self.graph == Some(Needs::Tokens) && !graph.is_empty() && !graph.has_stage(reads_tokens)
        {
            return unfit(
                format!(
                    "is {service}, but no service reads tokens: `{}` changes nothing",
                    self.name
                ),
                "give a service a stage `generate`",
            );
        }
        if graph.is_empty() || service == Service::CLIENT {
            return match self.services.contains(&service) {
                true => Ok(()),
                false => Err(self.cannot_act_on(service)),
            };
        }
        let of_service =
            |needs: &Needs| !matches!(needs, Needs::Client | Needs::Tokens | Needs::Zones);
        let needs = self.graph.filter(of_service);
        let (Some(needs), Some(found)) = (needs, graph.service(service)) else {
            return Err(self.cannot_act_on(service));
        };
        match needs.missing_in(found, graph) {
            None => Ok(()),
            Some((missing, fix)) => unfit(
                format!(
                    "is {service}, which {missing}: `{}` cannot act on it",
                    self.name
                ),
                fix,
            ),
        }
    }

    fn cannot_act_on(&self, service: Service) -> Unfit {
        let names: Vec<&str> = self.services.iter().map(|service| service.name()).collect();
        Unfit {
            message: format!("is {service}, on which `{}` cannot act", self.name),
            fix: match names.is_empty() {
                true if self.acts_on_zones() => "give `zones` instead".to_owned(),
                true => "describe the system with `topology.graph`".to_owned(),
                false => format!("use one of `{}`", names.join("`, `")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use ragdoll_model::{GraphCall, GraphLock, GraphPool, GraphService, Service};

    use super::*;

    fn kind(graph: Option<Needs>) -> KindInfo {
        KindInfo {
            name: "trouble",
            summary: "",
            resource: "",
            services: &[Service::GATEWAY, Service::CLIENT],
            graph,
            edges: false,
            standing: false,
            callers: false,
            causes: &[],
        }
    }

    fn name(text: &str) -> Service {
        Service::from_name(text).expect("a name")
    }

    /// A cart that calls nobody, behind a frontend with all that there is.
    fn topology() -> Topology {
        let mut frontend = GraphService::new(name("frontend"));
        frontend.lock = Some(GraphLock {
            scope: ragdoll_model::topology::LockScope::Global,
            hold: ragdoll_model::Dist::fixed(1.0),
        });
        frontend.memory = Some(ragdoll_model::topology::Memory::default());
        let mut call = GraphCall::new(name("cart"));
        call.pool = Some(GraphPool {
            size: 2,
            timeout_ms: 100.0,
        });
        let mut again = GraphCall::new(name("cart"));
        again.parallel_with_previous = true;
        frontend.calls = vec![call, again];
        let mut cart = GraphService::new(name("cart"));
        cart.instances = 2;
        let mut topology = Topology::default();
        topology.graph.services = vec![frontend, cart];
        topology
    }

    #[test]
    fn a_kind_acts_on_services_that_have_what_it_changes() {
        let topology = topology();
        let all = [
            Needs::Lock,
            Needs::Memory,
            Needs::Pool,
            Needs::Calls,
            Needs::ParallelCalls,
            Needs::Replicas,
        ];
        let mut said = Vec::new();
        for needs in all {
            let kind = kind(Some(needs));
            assert_eq!(kind.fits(name("frontend"), &topology), Ok(()), "{needs:?}");
            let unfit = kind.fits(name("cart"), &topology).expect_err("lacks it");
            said.push(format!("{}; {}", unfit.message, unfit.fix));
        }
        insta::assert_snapshot!(said.join("\n"), @"
        is cart, which has no lock: `trouble` cannot act on it; give it a `lock`
        is cart, which has memory without bounds: `trouble` cannot act on it; give it a `memory`
        is cart, which has no pool of connections: `trouble` cannot act on it; give one of its calls a `pool`
        is cart, which calls nobody: `trouble` cannot act on it; choose one with `calls`
        is cart, which makes no calls at once: `trouble` cannot act on it; give one of its calls `parallel_with_previous`
        is cart, which calls nobody who has several instances: `trouble` cannot act on it; give a service that it calls more `instances`
        ");
        assert_eq!(
            kind(Some(Needs::Nothing)).fits(name("cart"), &topology),
            Ok(())
        );
    }

    #[test]
    fn a_kind_of_zones_acts_on_no_service() {
        let mut kind = kind(Some(Needs::Zones));
        kind.services = &[];
        let (graph, rag) = (topology(), Topology::default());
        for (service, topology) in [(name("cart"), &graph), (Service::LLM, &rag)] {
            let unfit = kind.fits(service, topology).expect_err("no zone");
            assert_eq!(unfit.fix, "give `zones` instead");
        }
        assert!(kind.acts_on_rag());
    }

    #[test]
    fn a_kind_without_meaning_in_graphs_acts_on_nothing_of_theirs() {
        let (graph, rag) = (topology(), Topology::default());
        let cart = name("cart");
        assert_eq!(kind(None).fits(Service::GATEWAY, &rag), Ok(()));
        assert!(kind(None).fits(Service::LLM, &rag).is_err());
        assert!(kind(None).fits(cart, &graph).is_err());
        assert!(kind(None).fits(Service::CLIENT, &graph).is_err());
        let load = kind(Some(Needs::Client));
        assert_eq!(load.fits(Service::CLIENT, &graph), Ok(()));
        assert!(load.fits(cart, &graph).is_err(), "it changes the load");
        assert!(
            kind(Some(Needs::Nothing)).fits(cart, &rag).is_err(),
            "it is not there"
        );
    }
}
