//! `ragdoll list`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::Catalog;
use ragdoll_model::{Service, Topology};

use crate::commands::count;
use crate::exit::Exit;

/// Columns for the name of a kind.
const KIND_WIDTH: usize = 20;
/// How many folders deep experiments are looked for: a bound, should somebody name a whole disk.
const FOLDERS_DEEP: u32 = 2;

/// What to list.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// One kind of thing; everything unless given
    #[arg(value_enum)]
    what: Option<What>,
    /// Folder of experiment files
    #[arg(long, value_name = "FOLDER", default_value = "experiments")]
    folder: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Experiments,
    Faults,
    Topologies,
}

pub(crate) fn list(arguments: &Arguments) -> Exit {
    let wants = |what| arguments.what.is_none_or(|wanted| wanted == what);
    let mut exit = Exit::Success;
    if wants(What::Experiments) {
        exit = experiments(&arguments.folder);
    }
    if wants(What::Faults) {
        faults();
    }
    if wants(What::Topologies) {
        topologies();
    }
    exit
}

fn experiments(folder: &Path) -> Exit {
    println!("Experiments in {}:", folder.display());
    let mut files = Vec::new();
    match collect(folder, FOLDERS_DEEP, &mut files) {
        Ok(()) => {}
        Err(error) => {
            eprintln!(
                "error: cannot read the folder {}: {error}; name another with --folder",
                folder.display()
            );
            return Exit::Environment;
        }
    }
    files.sort();
    for file in files {
        let title = match Experiment::load(&file, &Faults) {
            Ok(experiment) => experiment.title,
            Err(_) => "has mistakes: see `ragdoll check`".to_owned(),
        };
        println!("  {:<40} {title}", file.display().to_string());
    }
    println!();
    Exit::Success
}

/// Adds the experiment files of a folder, and of those in it, to `files`. What cannot be read further
/// down is left out.
fn collect(folder: &Path, deeper: u32, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_folder && deeper > 0 {
            let _ = collect(&path, deeper - 1, files);
        }
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        if is_toml && !is_folder && !path.ends_with("Cargo.toml") {
            files.push(path);
        }
    }
    Ok(())
}

fn faults() {
    println!("Kinds of fault:");
    for kind in Faults.kinds() {
        let services: Vec<&str> = kind.services.iter().map(|service| service.name()).collect();
        let edges = if kind.edges { "every edge" } else { "" };
        let places = services.into_iter().chain([edges]);
        let places: Vec<&str> = places.filter(|place| !place.is_empty()).collect();
        let causes = match kind.causes {
            [] => "nothing that a verdict names".to_owned(),
            causes => causes.join(", "),
        };
        let width = KIND_WIDTH;
        println!("  {:<width$} {}", kind.name, kind.summary);
        println!("  {:<width$} changes: {}", "", kind.resource);
        println!("  {:<width$} acts on: {}", "", places.join(", "));
        println!("  {:<width$} shows as: {causes}", "");
    }
    println!();
}

fn topologies() {
    println!("Base topologies:");
    for name in Topology::BASES {
        let Some(topology) = Topology::base(name) else {
            continue;
        };
        let copies = |service: Service| topology.instances_of(service).len();
        println!(
            "  {name:<16} {} gateway, {} embedder, {} of {}, {} reranker, {} llm",
            copies(Service::Gateway),
            copies(Service::Embedder),
            count(topology.vector_db.shards as usize, "shard"),
            count(topology.vector_db.replicas as usize, "replica"),
            copies(Service::Reranker),
            copies(Service::Llm),
        );
    }
}
