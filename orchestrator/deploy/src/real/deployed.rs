//! The ground of instances that somebody else started, such as a cluster: they wait for a run, and
//! stay when it is over.

use std::collections::BTreeMap;

use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::{Injector, Means};
use ragdoll_host::service::Plan;
use ragdoll_model::InstanceId;
use ragdoll_runtime::Streams;

use super::fleet::{Exit, Fleet, GroundError};
use crate::plan;

/// Instances at the addresses of a plan.
pub(crate) struct Deployed {
    addresses: BTreeMap<InstanceId, String>,
}

impl Deployed {
    /// Errors where a fault does to an instance what only whoever started it can do.
    pub(crate) fn new(plan: &Plan, experiment: &Experiment) -> Result<Self, GroundError> {
        check_deployable(experiment)?;
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

    fn is_restarted_by_others(&self) -> bool {
        true
    }

    /// Whoever started them sees them end, and starts them again.
    async fn next_exit(&self) -> Exit {
        std::future::pending().await
    }

    async fn stop(self) {}
}

/// Whether all that an experiment's faults do can be done to instances that somebody else started.
///
/// # Errors
/// The first fault that kills or halts a process, or that has parameters which do not fit its kind.
pub fn check_deployable(experiment: &Experiment) -> Result<(), GroundError> {
    let places = experiment.phases.iter().flat_map(|phase| {
        let faults = phase.faults.iter().enumerate();
        faults.map(move |(index, fault)| (phase, index, fault))
    });
    let refuse = |why: String, index: usize, phase: &str| GroundError::NotDeployable {
        file: experiment.file.display().to_string(),
        index,
        phase: phase.to_owned(),
        why,
    };
    for ((phase, index, fault), planned) in places.zip(plan::faults(experiment)) {
        let injector = Injector::new(vec![planned], &Streams::new(experiment.seed))
            .map_err(|error| refuse(format!("has a mistake: {error}"), index, &phase.name))?
            .carried_out_by(Means::Signals);
        if let Some((instance, _)) = injector.actions_of(0, &experiment.topology).first() {
            let why = format!(
                "is `{}`, which kills or halts {}, and on the ground `deployed` that was started \
                 by somebody else; use another kind, or run on `loopback` or `docker`",
                fault.kind,
                instance.name()
            );
            return Err(refuse(why, index, &phase.name));
        }
    }
    Ok(())
}

fn not_ours(instance: &InstanceId) -> Result<(), GroundError> {
    panic!("an experiment that handles {instance} does not begin on this ground")
}

#[cfg(test)]
mod tests {
    use ragdoll_fault_layers::Faults;

    use super::*;

    fn refused(fault: &str) -> Option<String> {
        let text = format!(
            r#"
title = "t"
seed = 7
[workload]
arrivals = {{ poisson_per_s = 10.0 }}
[[phases]]
name = "baseline"
duration_s = 30
[[phases]]
name = "faulty"
duration_s = 30
faults = [
  {{ kind = "latency", target = {{ service = "llm" }}, params = {{ delay = {{ fixed = {{ ms = 1.0 }} }} }} }},
  {fault},
]
[[expect]]
holds = "faulty.error_rate < 1.0"
"#
        );
        let parsed = Experiment::parse(&text, std::path::Path::new("t.toml"), &Faults);
        let experiment = parsed.unwrap_or_else(|errors| panic!("{errors}"));
        check_deployable(&experiment)
            .err()
            .map(|error| error.to_string())
    }

    #[test]
    fn what_only_the_platform_could_do_is_refused_by_file_and_key() {
        let crash = refused(r#"{ kind = "crash", target = { service = "reranker" } }"#);
        insta::assert_snapshot!(crash.expect("refused"), @"t.toml: `faults[1].kind` of phase `faulty` is `crash`, which kills or halts reranker-0, and on the ground `deployed` that was started by somebody else; use another kind, or run on `loopback` or `docker`");
        let hang = refused(r#"{ kind = "hang", target = { service = "reranker" } }"#);
        assert!(hang.is_some());
        let partition = r#"{ kind = "partition", target = { service = "embedder" } }"#;
        assert_eq!(refused(partition), None, "the services do that themselves");
    }
}
