//! One experiment from file to record.

use std::io;
use std::path::PathBuf;

use ragdoll_collector::CollectError;
use ragdoll_experiment::{Experiment, RequestOutcome, RunRecord, Wall};
use ragdoll_fault_spec::ParamError;
use ragdoll_load::{
    RecordingError, RecordingProblem, ScheduleError, ScheduleProblem, TooManyRequests,
};
use ragdoll_runtime::Stopwatch;
use thiserror::Error;

use crate::ground::Ground;
use crate::judgement::judge_recording;
use crate::parallel::cores;
use crate::progress::Progress;
use crate::real::up::UpError;
use crate::real::{self, GroundError};
use crate::recording::{Recording, VirtualOutcomes, VirtualRecording};
use crate::virtual_ground;

/// How to run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Folder for telemetry and journal, made where it does not exist. Nothing is written without
    /// one.
    pub out: Option<PathBuf>,
    /// Noted while the run goes on.
    pub progress: Progress,
    /// Where to run.
    pub ground: Ground,
    /// Where telemetry is forwarded to on a real ground, as an OTLP/gRPC endpoint such as
    /// `http://127.0.0.1:4317`; nowhere unless given.
    pub forward: Option<String>,
    /// Whether the instances of a real ground say nothing, which shows what telemetry costs. The
    /// analyser then sees the load generator alone.
    pub without_telemetry: bool,
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
            RunError::TooMany(_) | RunError::Fault(_) | RunError::Counterfactual { .. } => true,
            RunError::Up(error) => matches!(error, UpError::TokenMissing(_)),
            RunError::Collect(_) | RunError::Ground(_) | RunError::Runtime(_) => false,
            RunError::Incomplete { source, .. } => source.is_spec(),
        }
    }
}

/// Runs an experiment on a ground, analyses what it said, and compares the verdicts with what was
/// expected. On the virtual ground the result depends on the experiment and its seed alone, save for
/// [`RunRecord::wall`].
///
/// # Errors
/// A load that cannot be followed, files that cannot be written, and a real ground that is not to be
/// had or is lost.
pub fn run(experiment: &Experiment, options: &RunOptions) -> Result<RunRecord, RunError> {
    let stopwatch = Stopwatch::start();
    let recording = record(experiment, options)?;
    judged(experiment, options, recording, &stopwatch)
}

/// The same, with what became of each request.
pub(crate) fn run_measured(
    experiment: &Experiment,
    options: &RunOptions,
) -> Result<(RunRecord, Vec<RequestOutcome>), RunError> {
    let stopwatch = Stopwatch::start();
    let recording = record(experiment, options)?;
    let requests = recording.requests.clone();
    let record = judged(experiment, options, recording, &stopwatch)?;
    Ok((record, requests))
}

/// Runs an experiment in virtual time and hands over what the system said, without files and without
/// a look at it. The result depends on the experiment and its seed alone.
///
/// # Errors
/// A load that cannot be followed, and parameters of a fault that do not fit its kind.
pub fn record_virtual(experiment: &Experiment) -> Result<VirtualRecording, RunError> {
    virtual_ground::record_all(experiment)
}

/// The same run, of which only the fate of the requests is of interest: nothing that the system says
/// is kept.
///
/// # Errors
/// As [`record_virtual`].
pub fn outcomes_virtual(experiment: &Experiment) -> Result<VirtualOutcomes, RunError> {
    virtual_ground::record_outcomes(experiment)
}

fn record(experiment: &Experiment, options: &RunOptions) -> Result<Recording, RunError> {
    match options.ground {
        Ground::Virtual => {
            virtual_ground::record(experiment, options.out.as_deref(), &options.progress)
        }
        _ => real::record(experiment, options),
    }
}

fn judged(
    experiment: &Experiment,
    options: &RunOptions,
    recording: Recording,
    stopwatch: &Stopwatch,
) -> Result<RunRecord, RunError> {
    let requests = recording.requests.len();
    let mut record = judge_recording(experiment, recording, options.out.as_deref())?;
    let seconds = stopwatch.elapsed_s();
    record.wall = Some(Wall {
        seconds,
        requests_per_s: requests as f64 / seconds,
        cores: cores() as u32,
    });
    Ok(record)
}
