//! What every process of the system reads at its start: `plan.json`.

use std::collections::BTreeMap;

use ragdoll_experiment::Experiment;
use ragdoll_host::service::{Addresses, OutOfMemory, Plan};
use ragdoll_model::{Service, Topology};

use crate::names::{COLLECTOR, OTLP_PORT, PORT};
use crate::resources::memory_scale;
use crate::system::is_partitioned;

/// The plan as JSON.
pub(crate) fn plan_json(experiment: &Experiment) -> String {
    let topology = experiment.topology.clone();
    let plan = Plan {
        seed: experiment.seed,
        addresses: Addresses {
            pattern: format!("{{instance}}:{PORT}"),
            instances: shards(&topology),
        },
        otlp_endpoint: Some(format!("http://{COLLECTOR}:{OTLP_PORT}")),
        memory_scale: memory_scale(&topology),
        out_of_memory: OutOfMemory::Allocate,
        // Compute that sleeps takes the same time on every node, however busy.
        burn: false,
        standalone: false,
        topology,
    };
    let text = serde_json::to_string_pretty(&plan);
    text.expect("a plan is plain data") + "\n"
}

/// A shard is pod number `i` of its StatefulSet, and so is its name; which replica of which
/// partition that is follows from the order of the topology's instances.
fn shards(topology: &Topology) -> BTreeMap<String, String> {
    let set = Service::SHARD.name();
    if !is_partitioned(Service::SHARD, topology) {
        return BTreeMap::new();
    }
    let shards = topology.instances_of(Service::SHARD);
    let addresses = shards.iter().enumerate().map(|(ordinal, instance)| {
        let address = format!("{set}-{ordinal}.{set}:{PORT}");
        (instance.name().to_owned(), address)
    });
    addresses.collect()
}
