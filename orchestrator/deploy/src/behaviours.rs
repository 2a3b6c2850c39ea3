//! Whether the functions that a system's description names are there, where it is to run.

use std::path::PathBuf;

use ragdoll_experiment::{Experiment, suggest};
use ragdoll_model::Topology;
use ragdoll_stubs::hop::Behaviours;
use thiserror::Error;

/// A service's behaviour is not to be had.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BehaviourError {
    /// Nobody registered it.
    #[error("{}: `topology.graph.services[{index}].behaviour` is {name:?}, which this program has not registered; {fix}", file.display())]
    Unknown {
        /// The experiment.
        file: PathBuf,
        /// Position of the service in the graph, from 0.
        index: usize,
        /// The name.
        name: String,
        /// What to do.
        fix: String,
    },
    /// It is a function of this process, and the services run in others.
    #[error(
        "`topology.graph.services[{index}].behaviour` is {name:?}, a function of the program that registered it, \
         and on the ground `{ground}` services are processes of other programs; run on `virtual`"
    )]
    Ground {
        /// Position of the service in the graph, from 0.
        index: usize,
        /// The name.
        name: String,
        /// Name of the ground.
        ground: &'static str,
    },
}

/// Whether all that an experiment names are registered.
pub(crate) fn check_registered(
    experiment: &Experiment,
    behaviours: &Behaviours,
) -> Result<(), BehaviourError> {
    let Some((index, name)) = behaviours.missing(&experiment.topology.graph) else {
        return Ok(());
    };
    let mut known = behaviours.names().peekable();
    let fix = match known.peek() {
        None => "run it from a Rust test that registers it: docs/library.md".to_owned(),
        Some(_) => suggest(name, known),
    };
    Err(BehaviourError::Unknown {
        file: experiment.file.clone(),
        index,
        name: name.to_owned(),
        fix,
    })
}

/// Whether a system can run on a real ground.
pub(crate) fn check_ground(
    topology: &Topology,
    ground: &'static str,
) -> Result<(), BehaviourError> {
    match Behaviours::default().missing(&topology.graph) {
        None => Ok(()),
        Some((index, name)) => Err(BehaviourError::Ground {
            index,
            name: name.to_owned(),
            ground,
        }),
    }
}
