//! All faults of a run: who meets them, when they are in force, and who carries them out.

use std::sync::Arc;

use ragdoll_fault_spec::{FaultSpec, ParamError};
use ragdoll_model::{InstanceId, Service, Topology};
use ragdoll_runtime::{Clock, Controls, Overrides, Stream, Streams};
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;

use crate::action::{Action, Means, Power, TimedAction, healed_us};
use crate::catalog::Faults;
use crate::cut::Cut;
use crate::decision::{Facts, Fault};
use crate::layer::FaultLayer;
use crate::schedule;
use crate::witness::{Witness, WitnessReport};

/// A fault and when it is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// What it does and where.
    pub spec: FaultSpec,
    /// First microsecond of the run at which it is in force.
    pub start_us: u64,
    /// First microsecond at which it no longer is.
    pub stop_us: u64,
}

/// A fault ready to act.
pub(crate) struct Armed {
    pub(crate) planned: Planned,
    pub(crate) fault: Box<dyn Fault>,
    pub(crate) random: Stream,
    pub(crate) witness: Witness,
}

impl Armed {
    pub(crate) fn in_force(&self, now_us: u64) -> bool {
        (self.planned.start_us..self.planned.stop_us).contains(&now_us)
    }

    /// What is done to the target as a whole, where that is ever done.
    fn action(&self) -> Option<Action> {
        let action = self.fault.action();
        action.filter(|_| self.planned.spec.probability > 0.0)
    }
}

/// All faults of a run.
#[derive(Clone, Default)]
pub struct Injector {
    faults: Vec<Arc<Armed>>,
    means: Means,
}

impl Injector {
    /// Readies faults; they act in the order in which they are given. All of them are carried out
    /// in this process unless [`Injector::carried_out_by`] says otherwise.
    ///
    /// # Errors
    /// The first parameter that its kind does not take.
    pub fn new(planned: Vec<Planned>, streams: &Streams) -> Result<Self, ParamError> {
        let random = streams.stream("faults");
        let arm = |(number, planned): (usize, Planned)| {
            let spec = &planned.spec;
            Ok(Arc::new(Armed {
                fault: Faults.build(&spec.kind, &spec.params)?,
                random: random.child(&spec.kind).child(&number.to_string()),
                witness: Witness::default(),
                planned,
            }))
        };
        let faults: Result<_, ParamError> = planned.into_iter().enumerate().map(arm).collect();
        Ok(Injector {
            faults: faults?,
            means: Means::default(),
        })
    }

    /// The same faults on a ground that carries them out by other means. To be said before a layer
    /// or a schedule is made.
    #[must_use]
    pub fn carried_out_by(mut self, means: Means) -> Self {
        self.means = means;
        self
    }

    /// The layer in front of an instance's stub.
    pub fn server_layer(&self, clock: &Clock, instance: &InstanceId) -> FaultLayer {
        let met = self.met(|armed| armed.planned.spec.target.matches(instance));
        FaultLayer::new(clock.clone(), instance.name(), met, Vec::new())
    }

    /// The layer around the wire between two instances.
    pub fn edge_layer(&self, clock: &Clock, from: &InstanceId, to: &InstanceId) -> FaultLayer {
        let (caller, callee) = (from.service(), to.service());
        let met = self.met(|armed| armed.planned.spec.target.matches_edge(caller, callee));
        let cuts = self.faults.iter();
        let cuts = cuts
            .filter(|armed| caller == Service::Client || !self.is_disconnected(armed))
            .filter_map(|armed| Cut::of(armed, from, to));
        FaultLayer::new(clock.clone(), to.name(), met, cuts.collect())
    }

    /// Faults that each request meets, of those that meet `target`.
    fn met(&self, target: impl Fn(&Armed) -> bool) -> Vec<Arc<Armed>> {
        let faults = self.faults.iter();
        let met = faults.filter(|armed| armed.fault.meets_requests() && target(armed));
        met.cloned().collect()
    }

    /// Whether a partition's target is taken off the network, so that no layer need hold anything
    /// of those who are on it.
    fn is_disconnected(&self, armed: &Armed) -> bool {
        let whole = armed.action() == Some(Action::Partition);
        whole
            && armed.planned.spec.target.edge.is_none()
            && self.means.leave_to_supervisor(Action::Partition)
    }

    /// Puts what befalls one instance as a whole in force, each for its time: changes of its
    /// resources, and what this process does to its process. One task for each, which ends with
    /// it; a task that is aborted takes back what it did, save that a killed process comes back in
    /// its own time.
    pub fn schedule<P: Power>(
        &self,
        clock: &Clock,
        instance: &InstanceId,
        controls: &Controls,
        power: &Arc<P>,
    ) -> Vec<AbortHandle> {
        let mut tasks = Vec::new();
        let faults = self.faults.iter();
        for armed in faults.filter(|armed| armed.planned.spec.target.matches(instance)) {
            let action = armed.action();
            if let Some(overrides) = self.standing(armed) {
                tasks.push(schedule::standing(clock, controls, armed, overrides));
            }
            match action.filter(|&action| !self.means.leave_to_supervisor(action)) {
                Some(action @ Action::Crash { .. }) => {
                    let Planned {
                        start_us, stop_us, ..
                    } = armed.planned;
                    let healed_us = healed_us(action, start_us, stop_us);
                    tasks.push(schedule::crash(clock, power, armed, healed_us));
                }
                Some(Action::Hang) => tasks.push(schedule::hang(clock, power, armed)),
                // A layer holds messages, and a quota is a change of the processors.
                Some(Action::Partition | Action::CpuQuota { .. }) | None => {}
            }
        }
        tasks
    }

    /// The change of its target's resources for as long as a fault lasts, where it is this
    /// process's to make.
    fn standing(&self, armed: &Armed) -> Option<Overrides> {
        let probability = armed.planned.spec.probability;
        if probability <= 0.0 {
            return None;
        }
        let is_quota = matches!(armed.action(), Some(Action::CpuQuota { .. }));
        if is_quota && !self.means.model_quotas() {
            return None;
        }
        armed.fault.standing(probability)
    }

    /// What is left to a supervisor to do to whole instances of `topology`, in the order of time,
    /// then of the faults, then of the instances. Each that is done wants a call of
    /// [`Injector::witness_action`]. Empty where all is done in this process.
    pub fn actions(&self, topology: &Topology) -> Vec<TimedAction> {
        let mut actions = Vec::new();
        for (fault, armed) in self.faults.iter().enumerate() {
            let Some(action) = armed.action() else {
                continue;
            };
            if !self.means.leave_to_supervisor(action) {
                continue;
            }
            let instances = armed.planned.spec.target.instances(topology);
            actions.extend(instances.into_iter().map(|instance| TimedAction {
                fault,
                instance,
                action,
                start_us: armed.planned.start_us,
                stop_us: armed.planned.stop_us,
            }));
        }
        actions.sort_by_key(|action| action.start_us);
        actions
    }

    /// Counts an action that a supervisor carried out as an opportunity and a firing of the fault
    /// at position `fault`. Panics where there is no such fault.
    pub fn witness_action(&self, fault: usize) {
        self.faults[fault].witness.action();
    }

    /// The parameters that a request to `instance` would meet at `now_us` if every fault in force
    /// came up, such as the time after which a process that ran out of memory is started again.
    pub fn overrides_in_force(&self, instance: &InstanceId, now_us: u64) -> Overrides {
        let mut all = Overrides::default();
        let faults = self.faults.iter().filter(|armed| {
            let spec = &armed.planned.spec;
            armed.in_force(now_us) && spec.probability > 0.0 && spec.target.matches(instance)
        });
        for armed in faults {
            let facts = Facts {
                request_id: "",
                user_id: "",
                operation: "",
            };
            let decision = armed.fault.decide(&facts, &mut armed.random.rng());
            for overrides in [self.standing(armed), decision.overrides] {
                all = all.merged(&overrides.unwrap_or_default());
            }
        }
        all
    }

    /// What each fault did so far, in the order in which they were given, as far as this process
    /// knows.
    pub fn witnesses(&self) -> Vec<WitnessReport> {
        self.faults
            .iter()
            .map(|armed| armed.witness.report())
            .collect()
    }
}
