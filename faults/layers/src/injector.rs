//! All faults of a run: who meets them, and when they are in force.

use std::sync::Arc;

use ragdoll_fault_spec::{FaultSpec, ParamError};
use ragdoll_model::{InstanceId, Service};
use ragdoll_runtime::{Clock, Controls, Stream, Streams};

use crate::catalog::Faults;
use crate::decision::Fault;
use crate::layer::FaultLayer;
use crate::witness::{Witness, WitnessReport};

/// A fault and when it is in force.
#[derive(Clone, Debug)]
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
}

/// All faults of a run.
#[derive(Clone, Default)]
pub struct Injector {
    faults: Vec<Arc<Armed>>,
}

impl Injector {
    /// Readies faults; they act in the order in which they are given.
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
        Ok(Injector { faults: faults? })
    }

    /// The layer in front of an instance's stub.
    pub fn server_layer(&self, clock: &Clock, instance: &InstanceId) -> FaultLayer {
        let met = |armed: &&Arc<Armed>| armed.planned.spec.target.matches(instance);
        self.layer(clock, instance.name(), met)
    }

    /// The layer around the wire between two services.
    pub fn edge_layer(&self, clock: &Clock, from: Service, to: &InstanceId) -> FaultLayer {
        let met = |armed: &&Arc<Armed>| armed.planned.spec.target.matches_edge(from, to.service());
        self.layer(clock, to.name(), met)
    }

    fn layer(&self, clock: &Clock, at: &str, met: impl Fn(&&Arc<Armed>) -> bool) -> FaultLayer {
        let faults = self.faults.iter().filter(met).cloned().collect();
        FaultLayer::new(clock.clone(), at, faults)
    }

    /// Puts the changes that last in force on one instance's resources, each for its time. One task
    /// a change, which ends with it.
    pub fn schedule(&self, clock: &Clock, instance: &InstanceId, controls: &Controls) {
        for armed in &self.faults {
            let Planned {
                spec,
                start_us,
                stop_us,
            } = armed.planned.clone();
            if spec.probability <= 0.0 || !spec.target.matches(instance) {
                continue;
            }
            let Some(overrides) = armed.fault.standing(spec.probability) else {
                continue;
            };
            let (clock, controls) = (clock.clone(), controls.clone());
            tokio::spawn(async move {
                clock.sleep_until_us(start_us).await;
                let handle = controls.apply(overrides);
                clock.sleep_until_us(stop_us).await;
                controls.revert(handle);
            });
        }
    }

    /// What each fault did so far, in the order in which they were given.
    pub fn witnesses(&self) -> Vec<WitnessReport> {
        self.faults
            .iter()
            .map(|armed| armed.witness.report())
            .collect()
    }
}
