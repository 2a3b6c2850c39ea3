//! What a process needs to know to be an instance of a system: its plan when it starts, and what
//! belongs to one run when that begins.

use std::collections::BTreeMap;

use ragdoll_fault_layers::{Means, Planned};
use ragdoll_model::{InstanceId, Topology};
use serde::{Deserialize, Serialize};

/// The system that a process is a part of. As JSON, every field may be left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// The whole system.
    pub topology: Topology,
    /// Seed of every random draw.
    pub seed: u64,
    /// Where the instances are.
    pub addresses: Addresses,
    /// Where telemetry goes, such as `http://127.0.0.1:4317`; nowhere unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otlp_endpoint: Option<String>,
    /// Bytes that the process really allocates for each byte that its model takes, from 0 to 1.
    pub memory_scale: f64,
    /// What the process does when its model runs out of memory.
    pub out_of_memory: OutOfMemory,
    /// Whether computing keeps a processor busy; else it is a sleep.
    pub burn: bool,
    /// Whether the process serves at once, without faults; else it waits for a run to begin.
    pub standalone: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Plan {
            topology: Topology::default(),
            seed: 1,
            addresses: Addresses::default(),
            otlp_endpoint: None,
            memory_scale: 0.0,
            out_of_memory: OutOfMemory::Exit,
            burn: false,
            standalone: true,
        }
    }
}

/// What a process does when its model runs out of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutOfMemory {
    /// It ends with exit code 137, as one that the kernel killed.
    Exit,
    /// It allocates until the kernel kills it: for containers, which have a limit.
    Allocate,
}

/// Where the instances of a system are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Addresses {
    /// Address of an instance that has none of its own: `HOST:PORT` with `{instance}`, `{service}`
    /// and `{index}`, its position among the instances of its service, filled in.
    pub pattern: String,
    /// Addresses by the name of the instance, such as `shard-2-0`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub instances: BTreeMap<String, String>,
}

impl Default for Addresses {
    fn default() -> Self {
        Addresses {
            pattern: "{instance}:7000".to_owned(),
            instances: BTreeMap::new(),
        }
    }
}

impl Addresses {
    /// Address of an instance of `topology`.
    pub fn of(&self, id: &InstanceId, topology: &Topology) -> String {
        if let Some(own) = self.instances.get(id.name()) {
            return own.clone();
        }
        let siblings = topology.instances_of(id.service());
        let index = siblings.iter().position(|sibling| sibling == id);
        self.pattern
            .replace("{instance}", id.name())
            .replace("{service}", id.service().name())
            .replace("{index}", &index.unwrap_or_default().to_string())
    }
}

/// What belongs to one run: sent to every process when all of them are there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// Zero of the run's clock, in microseconds of Unix time; it may lie ahead.
    pub epoch_unix_us: u64,
    /// Seed of every random draw.
    pub seed: u64,
    /// What is done to the system, by every process to itself.
    pub faults: Vec<Planned>,
    /// Whether faults may come and go while the run lasts.
    #[serde(default)]
    pub open: bool,
    /// Positions of faults that were taken back before the process was started.
    #[serde(default)]
    pub stopped: Vec<usize>,
    /// Which of the faults' actions the processes carry out themselves.
    pub means: Means,
    /// Addresses that were not known when the processes were started.
    #[serde(default)]
    pub addresses: BTreeMap<String, String>,
    /// How often the process was started before in this run.
    #[serde(default)]
    pub restarts: u64,
}

/// All faults of a run that is open to changes, as they are to be. To say the same twice changes
/// nothing, and who missed a change hears of it with the next.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Every fault so far, those that were taken back among them, in the order in which they came.
    pub faults: Vec<Planned>,
    /// Positions of those that were taken back.
    pub stopped: Vec<usize>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ragdoll_model::Service;

    #[test]
    fn an_empty_plan_is_the_default_system_at_once() {
        let plan: Plan = serde_json::from_str("{}").expect("a valid plan");
        assert_eq!(plan, Plan::default());
        assert!(plan.standalone);
    }

    #[test]
    fn an_own_address_wins_over_the_pattern() {
        let addresses = Addresses {
            pattern: "{service}-{index}.{service}:7000".to_owned(),
            instances: [("llm-0".to_owned(), "127.0.0.1:9".to_owned())].into(),
        };
        let topology = Topology::default();
        let of = |id: InstanceId| addresses.of(&id, &topology);
        assert_eq!(of(InstanceId::shard(2, 1)), "shard-5.shard:7000");
        assert_eq!(of(InstanceId::new(Service::LLM, 0)), "127.0.0.1:9");
    }

    #[test]
    fn an_unknown_key_is_a_mistake() {
        let error = serde_json::from_str::<Plan>(r#"{ "sed": 1 }"#).expect_err("a mistake");
        assert!(error.to_string().contains("unknown field `sed`"), "{error}");
    }
}
