use std::collections::BTreeMap;

use ragdoll_experiment::Experiment;
use ragdoll_model::{InstanceId, Service, Topology};
use serde::{Deserialize, Serialize};

use crate::names::{COLLECTOR, OTLP_PORT, PORT};
use crate::resources::memory_scale;

/// What every process of the system reads at its start: `plan.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The system, with every default filled in.
    pub topology: Topology,
    /// Seed of every random draw.
    pub seed: u64,
    /// Where the instances are.
    pub addresses: Addresses,
    /// Where telemetry goes, a URL of OTLP over gRPC.
    pub otlp_endpoint: String,
    /// Real bytes for each byte of the topology's memory, above 0 to 1.
    pub memory_scale: f64,
    /// What a process does whose model runs out of memory.
    pub out_of_memory: OutOfMemory,
    /// Whether compute takes processor time; it sleeps otherwise.
    pub burn: bool,
    /// Whether a process serves before it is told when the run begins.
    pub standalone: bool,
}

/// What a process does whose model runs out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutOfMemory {
    /// It takes all that its container may have, until the kernel kills it.
    Allocate,
}

/// Where the instances are. [`Addresses::instances`] wins over [`Addresses::pattern`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// Host and port with the instance's name for `{instance}`.
    pub pattern: String,
    /// Host and port by the instance's name.
    pub instances: BTreeMap<String, String>,
}

impl Addresses {
    /// Host and port of an instance.
    pub fn of(&self, instance: &InstanceId) -> String {
        match self.instances.get(instance.name()) {
            Some(address) => address.clone(),
            None => self.pattern.replace("{instance}", instance.name()),
        }
    }
}

impl Plan {
    pub(crate) fn new(experiment: &Experiment) -> Self {
        let topology = experiment.topology.clone();
        Plan {
            seed: experiment.seed,
            addresses: Addresses {
                pattern: format!("{{instance}}:{PORT}"),
                instances: shards(&topology),
            },
            otlp_endpoint: format!("http://{COLLECTOR}:{OTLP_PORT}"),
            memory_scale: memory_scale(&topology.reranker.memory),
            out_of_memory: OutOfMemory::Allocate,
            // Compute that sleeps takes the same time on every node, however busy.
            burn: false,
            standalone: false,
            topology,
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let text = serde_json::to_string_pretty(self);
        text.expect("a plan is plain data") + "\n"
    }
}

/// A shard is pod number `i` of its StatefulSet, and so is its name; which replica of which
/// partition that is follows from the order of the topology's instances.
fn shards(topology: &Topology) -> BTreeMap<String, String> {
    let set = Service::Shard.name();
    let shards = topology.instances_of(Service::Shard);
    let addresses = shards.iter().enumerate().map(|(ordinal, instance)| {
        let address = format!("{set}-{ordinal}.{set}:{PORT}");
        (instance.name().to_owned(), address)
    });
    addresses.collect()
}
