//! `ragdoll list`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::Catalog;
use ragdoll_model::{Service, Topology};

use crate::commands::count;
use crate::exit::Exit;

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
    let mut files = match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "toml")
            })
            .filter(|path| path.file_name().is_some_and(|name| name != "Cargo.toml"))
            .collect::<Vec<_>>(),
        Err(error) => {
            eprintln!(
                "error: cannot read the folder {}: {error}; name another with --folder",
                folder.display()
            );
            return Exit::Environment;
        }
    };
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

fn faults() {
    println!("Kinds of fault:");
    for kind in Faults.kinds() {
        let services: Vec<&str> = kind.services.iter().map(|service| service.name()).collect();
        println!("  {:<16} {}", kind.name, kind.summary);
        println!("  {:<16} changes: {}", "", kind.resource);
        let edges = if kind.edges { ", and every edge" } else { "" };
        println!("  {:<16} acts on: {}{edges}", "", services.join(", "));
        println!("  {:<16} shows as: {}", "", kind.causes.join(", "));
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
