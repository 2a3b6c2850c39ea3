//! One experiment from file to record.

use ragdoll_experiment::{Experiment, RequestOutcome, RunRecord, Wall};
use ragdoll_runtime::Stopwatch;

use crate::error::RunError;
use crate::ground::Ground;
use crate::judgement::judge_recording;
use crate::options::RunOptions;
use crate::parallel::cores;
use crate::real;
use crate::recording::{Recording, VirtualOutcomes, VirtualRecording};
use crate::virtual_ground;

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
        Ground::Virtual => virtual_ground::record(experiment, options),
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
