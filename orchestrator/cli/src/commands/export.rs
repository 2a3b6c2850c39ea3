//! `ragdoll export`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_kubernetes::{DEFAULT_IMAGE, ExportError, Manifests, Options, Sweep};

use crate::commands::repeat::cannot_write;
use crate::commands::run::MOST_SEEDS;
use crate::exit::Exit;

/// Pods that share the seeds of a sweep where nobody says how many.
const USUAL_PODS: u32 = 4;

/// What to export to.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    target: Target,
}

#[derive(Debug, Subcommand)]
enum Target {
    /// Write manifests for Kubernetes: the system and a Job that runs the experiment on it; or,
    /// with --repeat, a Job that runs many seeds in virtual time
    Kubernetes(Kubernetes),
}

#[derive(Debug, Args)]
struct Kubernetes {
    /// Experiment file (TOML)
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Folder for a file of each kind of object, or `-` for one stream of YAML documents
    #[arg(long, value_name = "FOLDER", default_value = "-")]
    out: PathBuf,
    /// Namespace of all objects, and an object for itself [default: that of kubectl]
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Image with the programs `ragdoll` and `ragdoll-service`
    #[arg(long, value_name = "IMAGE", default_value = DEFAULT_IMAGE)]
    image: String,
    /// Run this many seeds in virtual time, in place of the system
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_SEEDS))]
    repeat: Option<u64>,
    /// Pods that share the seeds, all at once [default: 4, or a pod a seed where there are fewer]
    #[arg(long, value_name = "P", requires = "repeat", value_parser = clap::value_parser!(u32).range(1..))]
    parallelism: Option<u32>,
}

pub(crate) fn export(arguments: &Arguments) -> Exit {
    let Target::Kubernetes(arguments) = &arguments.target;
    let (experiment, text) = match load(&arguments.file) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    // Seeds in virtual time need no instances.
    if arguments.repeat.is_none()
        && let Err(error) = ragdoll_deploy::check_deployable(&experiment)
    {
        eprintln!("error: {error}");
        return Exit::Usage;
    }
    let manifests = match ragdoll_kubernetes::export(&experiment, &text, &options(arguments)) {
        Ok(manifests) => manifests,
        Err(error) => {
            eprintln!("error: {error}");
            return match error {
                ExportError::LeftOut => Exit::Environment,
                _ => Exit::Usage,
            };
        }
    };
    if arguments.out == Path::new("-") {
        print!("{}", manifests.stream());
        return Exit::Success;
    }
    match write(&arguments.out, &manifests) {
        Ok(()) => Exit::Success,
        Err(message) => {
            eprintln!("error: {message}");
            Exit::Environment
        }
    }
}

/// The experiment and its text, which are of one reading of the file.
fn load(file: &Path) -> Result<(Experiment, String), Exit> {
    let loaded = match std::fs::read_to_string(file) {
        Ok(text) => Experiment::parse(&text, file, &Faults).map(|experiment| (experiment, text)),
        // It says why the file cannot be read as it says everything else.
        Err(_) => Experiment::load(file, &Faults).map(|experiment| (experiment, String::new())),
    };
    loaded.map_err(|errors| {
        eprintln!("{errors}");
        Exit::Usage
    })
}

fn options(arguments: &Kubernetes) -> Options {
    let sweep = arguments.repeat.map(|seeds| {
        let usual = USUAL_PODS.min(u32::try_from(seeds).unwrap_or(u32::MAX));
        Sweep {
            seeds,
            parts: arguments.parallelism.unwrap_or(usual),
        }
    });
    Options {
        namespace: arguments.namespace.clone(),
        image: arguments.image.clone(),
        sweep,
    }
}

fn write(folder: &Path, manifests: &Manifests) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| {
        format!(
            "cannot create the folder {}: {error}; choose another with --out",
            folder.display()
        )
    })?;
    for (name, text) in manifests.files() {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| cannot_write(&path, &error))?;
        println!("{}", path.display());
    }
    Ok(())
}
