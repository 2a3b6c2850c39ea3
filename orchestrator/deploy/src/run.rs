//! One experiment from file to record.

use std::path::PathBuf;

use ragdoll_collector::CollectError;
use ragdoll_experiment::{Experiment, RunRecord, Wall};
use ragdoll_fault_spec::ParamError;
use ragdoll_load::{
    RecordingError, RecordingProblem, ScheduleError, ScheduleProblem, TooManyRequests,
};
use ragdoll_runtime::Stopwatch;
use thiserror::Error;

use crate::judgement::judge_recording;
use crate::progress::Progress;
use crate::virtual_ground::record;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Folder for telemetry and journal, made where it does not exist. Nothing is written without
    /// one.
    pub out: Option<PathBuf>,
    /// Noted while the run goes on.
    pub progress: Progress,
}

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
            RunError::TooMany(_) | RunError::Fault(_) => true,
            RunError::Collect(_) => false,
        }
    }
}

/// Runs an experiment on the virtual ground, analyses what it said, and compares the verdicts with
/// what was expected. The result depends on the experiment and its seed alone, save for
/// [`RunRecord::wall`].
///
/// # Errors
/// A load that cannot be followed, and files that cannot be written.
pub fn run(experiment: &Experiment, options: &RunOptions) -> Result<RunRecord, RunError> {
    let stopwatch = Stopwatch::start();
    let recording = record(experiment, options.out.as_deref(), &options.progress)?;
    let requests = recording.requests.len();
    let mut record = judge_recording(experiment, recording, options.out.as_deref())?;
    let seconds = stopwatch.elapsed_s();
    record.wall = Some(Wall {
        seconds,
        requests_per_s: requests as f64 / seconds,
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
    });
    Ok(record)
}
