//! How the instances of a real ground are started, for a run and for a system that is kept up.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use ragdoll_model::{InstanceId, Topology};
use ragdoll_runtime::Clock;

use super::control::Control;
use super::fleet::{Fleet, GroundError};
use super::interrupted::interrupted;

/// Threads of the orchestrator: one for the load, one for the telemetry that comes in meanwhile.
pub(crate) const THREADS: usize = 2;
/// How long all instances together may take until they serve.
const READY_US: u64 = 60_000_000;
/// Time between the last instance's readiness and the run's zero, in which all of them are told.
pub(crate) const LEAD_US: u64 = 500_000;
/// Bytes that a process really allocates for each byte of its model: a budget of gigabytes becomes
/// one of a few hundred megabytes, and a machine holds a whole system.
pub(crate) const MEMORY_SCALE: f64 = 1.0 / 32.0;

/// Waits until every instance serves, unless one ends or somebody asks for the end before.
pub(crate) async fn wait_ready<F: Fleet>(
    fleet: &F,
    topology: &Topology,
    instances: &[InstanceId],
    clock: &Clock,
) -> Result<BTreeMap<InstanceId, Control>, GroundError> {
    let controls = instances.iter().map(|id| {
        let control = Control::new(id, topology, fleet.address(id), clock);
        (id.clone(), control)
    });
    let controls: BTreeMap<InstanceId, Control> = controls.collect();
    let ready = try_join_all(controls.values().map(|control| control.ready(READY_US)));
    tokio::select! {
        ready = ready => ready.map(|_| controls),
        exit = fleet.next_exit() => Err(GroundError::DiedAtStart {
            instance: exit.instance.name().to_owned(),
            code: exit.code_in_words(),
            said: exit.said,
        }),
        () = interrupted() => Err(GroundError::Interrupted { at_s: 0.0 }),
    }
}
