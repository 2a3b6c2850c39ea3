//! `ragdoll agree`.

use std::path::{Path, PathBuf};

use clap::Args;
use ragdoll_deploy::{HAS_CONTAINERS, Progress, RunOptions};
use ragdoll_experiment::{Experiment, RunRecord};
use ragdoll_fault_layers::Faults;
use ragdoll_report::Agreement;

use crate::commands::failure::Failure;
use crate::commands::ground::{GroundArguments, GroundName};
use crate::commands::reports::write_reports;
use crate::commands::run::with_progress;
use crate::exit::Exit;

/// What to compare.
#[derive(Debug, Args)]
#[command(after_help = "\
Runs each experiment on every ground with the same seed, so that the same requests arrive at the same
times everywhere, and prints the phases side by side. The grounds agree where every phase has the same
verdict on all of them, and where median and 95th percentile of virtual and loopback differ by 10 % at
most, beyond what as many requests leave to chance.

Exit codes: 0 all agree, 1 some do not, 3 a ground is not to be had, 4 a machine was the bottleneck.")]
pub(crate) struct Arguments {
    /// Experiment files (TOML)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Grounds to compare; two at least
    #[arg(long, value_enum, value_delimiter = ',', value_name = "GROUND", default_values = usual_grounds())]
    on: Vec<GroundName>,
    /// Seed in place of the files' own
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Folder for what each ground leaves [default: none is kept]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    #[command(flatten)]
    grounds: GroundArguments,
}

/// Those that this program was built with.
fn usual_grounds() -> &'static [&'static str] {
    if HAS_CONTAINERS {
        &["virtual", "loopback", "docker"]
    } else {
        &["virtual", "loopback"]
    }
}

pub(crate) fn agree(arguments: &Arguments) -> Exit {
    let others = arguments
        .on
        .iter()
        .filter(|&&ground| ground != arguments.on[0]);
    if others.count() == 0 {
        eprintln!(
            "error: there is nothing to compare: give two grounds at least, such as `--on virtual,loopback`"
        );
        return Exit::Usage;
    }
    let mut exit = Exit::Success;
    for file in &arguments.files {
        match agree_on(arguments, file) {
            Ok(agreement) => {
                print!("{}", agreement.text());
                exit = exit.max(of(&agreement));
            }
            Err(failure) => {
                eprintln!("error: {}", failure.message);
                exit = exit.max(failure.exit);
            }
        }
    }
    exit
}

fn of(agreement: &Agreement) -> Exit {
    if !agreement.is_conclusive() {
        Exit::Inconclusive
    } else if agreement.holds() {
        Exit::Success
    } else {
        Exit::Failed
    }
}

fn agree_on(arguments: &Arguments, file: &Path) -> Result<Agreement, Failure> {
    let experiment = Experiment::load(file, &Faults).map_err(|errors| Failure {
        exit: Exit::Usage,
        message: errors.to_string(),
    })?;
    let mut experiment = experiment.scaled(arguments.grounds.phase_scale);
    experiment.seed = arguments.seed.unwrap_or(experiment.seed);
    let records: Result<Vec<RunRecord>, Failure> = arguments
        .on
        .iter()
        .map(|ground| run_on(arguments, &experiment, *ground))
        .collect();
    Ok(Agreement::new(records?))
}

fn run_on(
    arguments: &Arguments,
    experiment: &Experiment,
    name: GroundName,
) -> Result<RunRecord, Failure> {
    let forward = arguments.grounds.otlp_endpoint.clone();
    let mut options = arguments.grounds.clone();
    if name == GroundName::Virtual {
        // What is for real grounds alone says nothing to this one.
        options.otlp_endpoint = None;
        options.burn = false;
    }
    let ground = options.ground(name).map_err(|message| Failure {
        exit: Exit::Usage,
        message,
    })?;
    let stem = experiment.file.file_stem().unwrap_or_default();
    let out = arguments.out.as_ref();
    let out = out.map(|out| out.join(stem).join(ground.name()));
    let options = RunOptions {
        out: out.clone(),
        progress: Progress::default(),
        ground,
        forward,
        without_telemetry: arguments.grounds.without_telemetry,
        ..RunOptions::default()
    };
    let record = with_progress(experiment, &options)?;
    if let Some(folder) = &out {
        write_reports(folder, &record)?;
    }
    Ok(record)
}
