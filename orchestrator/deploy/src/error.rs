//! Why a run could not be carried out.

use std::io;
use std::path::PathBuf;

use ragdoll_collector::CollectError;
use ragdoll_fault_spec::ParamError;
use ragdoll_load::{
    RecordingError, RecordingProblem, ScheduleError, ScheduleProblem, TooManyRequests,
};
use thiserror::Error;

use crate::behaviours::BehaviourError;
use crate::real::GroundError;
use crate::real::up::UpError;

/// A run that could not be carried out.
#[derive(Debug, Error)]
pub enum RunError {
    /// The load cannot be followed.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// The load is too much for one run.
    #[error(transparent)]
    TooMany(#[from] TooManyRequests),
    /// A fault's parameters do not fit its kind.
    #[error("a fault's parameter {0}")]
    Fault(#[from] ParamError),
    /// Telemetry could not be kept.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// A service's behaviour is not to be had.
    #[error(transparent)]
    Behaviour(#[from] BehaviourError),
    /// A real ground is not to be had, or was lost.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// A system cannot be kept up as asked.
    #[error(transparent)]
    Up(#[from] UpError),
    /// A real ground cannot replay a run.
    #[error(
        "a counterfactual runs the same seed again without a fault, which gives the same run only in virtual time; on `{ground}` every run is another: use `--on virtual`"
    )]
    Counterfactual {
        /// Name of the ground.
        ground: &'static str,
    },
    /// This program's own threads or files are not to be had.
    #[error("cannot run: {0}")]
    Runtime(io::Error),
    /// The run was cut, and what was collected until then was kept.
    #[error("{source}\n  what was collected until then is in {folder}, marked incomplete in its journal.json", folder = folder.display())]
    Incomplete {
        /// What cut it.
        source: Box<RunError>,
        /// Where it is kept.
        folder: PathBuf,
    },
}

impl RunError {
    /// Whether the experiment is at fault, and not the machine: a recording that cannot be read is
    /// as much the machine's as a file that cannot be written.
    pub fn is_spec(&self) -> bool {
        match self {
            RunError::Schedule(error) => !matches!(
                error.problem,
                ScheduleProblem::Recording(RecordingError {
                    problem: RecordingProblem::Io(_),
                    ..
                })
            ),
            RunError::TooMany(_)
            | RunError::Fault(_)
            | RunError::Behaviour(_)
            | RunError::Counterfactual { .. } => true,
            RunError::Up(error) => matches!(error, UpError::TokenMissing(_)),
            RunError::Collect(_) | RunError::Ground(_) | RunError::Runtime(_) => false,
            RunError::Incomplete { source, .. } => source.is_spec(),
        }
    }
}
