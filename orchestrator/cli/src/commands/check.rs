//! `ragdoll check`.

use std::path::PathBuf;

use clap::Args;
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;

use crate::commands::count;
use crate::exit::Exit;

/// Files to check.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Experiment files (TOML)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) fn check(arguments: &Arguments) -> Exit {
    let mut exit = Exit::Success;
    for file in &arguments.files {
        match Experiment::load(file, &Faults) {
            Ok(experiment) => println!("{}", summary(file.display(), &experiment)),
            Err(errors) => {
                eprintln!("{errors}");
                exit = Exit::Usage;
            }
        }
    }
    exit
}

fn summary(file: std::path::Display<'_>, experiment: &Experiment) -> String {
    let faults: usize = experiment
        .phases
        .iter()
        .map(|phase| phase.faults.len())
        .sum();
    format!(
        "{file}: ok, {} over {} s, {}, {}",
        count(experiment.phases.len(), "phase"),
        experiment.duration_s(),
        count(faults, "fault"),
        count(experiment.expectations.len(), "expectation"),
    )
}
