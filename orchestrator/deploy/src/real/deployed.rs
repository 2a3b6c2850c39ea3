//! The ground of instances that somebody else started, such as a cluster: they wait for a run, and
//! stay when it is over.

use std::collections::BTreeMap;

use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::{Injector, Means, Planned};
use ragdoll_host::service::Plan;
use ragdoll_model::InstanceId;
use ragdoll_runtime::Streams;

use super::fleet::{Exit, Fleet, GroundError};

/// Instances at the addresses of a plan.
pub(crate) struct Deployed {
    addresses: BTreeMap<InstanceId, String>,
}

impl Deployed {
    /// Errors where a fault does to an instance what only whoever started it can do.
    pub(crate) fn new(
        plan: &Plan,
        experiment: &Experiment,
        faults: &[Planned],
    ) -> Result<Self, GroundError> {
        let injector = Injector::new(faults.to_vec(), &Streams::new(experiment.seed));
        let injector = injector.map(|injector| injector.carried_out_by(Means::Signals));
        let actions = injector.map(|injector| injector.actions(&experiment.topology));
        if let Some(action) = actions.into_iter().flatten().next() {
            return Err(GroundError::Action {
                what: "kill or pause",
                instance: action.instance.name().to_owned(),
                why: "it was started by somebody else: run on `loopback` or `docker`".to_owned(),
            });
        }
        let instances = experiment.topology.instances().into_iter();
        let addresses = instances.map(|id| {
            let address = plan.addresses.of(&id, &experiment.topology);
            (id, address)
        });
        Ok(Deployed {
            addresses: addresses.collect(),
        })
    }
}

impl Fleet for Deployed {
    fn means(&self) -> Means {
        Means::Signals
    }

    fn addresses(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn address(&self, instance: &InstanceId) -> String {
        self.addresses[instance].clone()
    }

    async fn kill(&self, instance: &InstanceId) -> Result<(), GroundError> {
        not_ours(instance)
    }

    async fn start(&self, instance: &InstanceId) -> Result<(), GroundError> {
        not_ours(instance)
    }

    async fn pause(&self, instance: &InstanceId) -> Result<(), GroundError> {
        not_ours(instance)
    }

    async fn resume(&self, instance: &InstanceId) -> Result<(), GroundError> {
        not_ours(instance)
    }

    async fn disconnect(&self, instance: &InstanceId) -> Result<(), GroundError> {
        not_ours(instance)
    }

    async fn reconnect(&self, instance: &InstanceId) -> Result<(), GroundError> {
        not_ours(instance)
    }

    async fn set_cpu_quota(
        &self,
        instance: &InstanceId,
        _: Option<f64>,
    ) -> Result<(), GroundError> {
        not_ours(instance)
    }

    /// Whoever started them sees them end, and starts them again.
    async fn next_exit(&self) -> Exit {
        std::future::pending().await
    }

    async fn stop(self) {}
}

fn not_ours(instance: &InstanceId) -> Result<(), GroundError> {
    panic!("an experiment that handles {instance} does not begin on this ground")
}
