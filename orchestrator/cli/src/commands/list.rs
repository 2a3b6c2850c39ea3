//! `ragdoll list`.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::{Catalog, KindInfo};
use ragdoll_model::presets::{PRESETS, Preset};
use serde_json::{Value, json};

use crate::commands::count;
use crate::commands::resources::{print_resources, resources_json};
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
    /// Print JSON: an object with a list of each kind of thing
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    Experiments,
    Faults,
    Topologies,
    Resources,
}

pub(crate) fn list(arguments: &Arguments) -> Exit {
    let wants = |what| arguments.what.is_none_or(|wanted| wanted == what);
    let mut exit = Exit::Success;
    let mut all = serde_json::Map::new();
    if wants(What::Experiments) {
        match experiments(&arguments.folder) {
            Ok(experiments) if arguments.json => {
                let experiments = experiments.iter().map(Listed::to_json);
                all.insert("experiments".to_owned(), experiments.collect());
            }
            Ok(experiments) => print_experiments(&arguments.folder, &experiments),
            Err(error) => {
                eprintln!("error: {error}");
                exit = Exit::Environment;
            }
        }
    }
    if wants(What::Faults) {
        if arguments.json {
            all.insert(
                "faults".to_owned(),
                Faults.kinds().iter().map(fault_json).collect(),
            );
        } else {
            print_faults();
        }
    }
    if wants(What::Topologies) {
        if arguments.json {
            let topologies = PRESETS.iter().map(topology_json);
            all.insert("topologies".to_owned(), topologies.collect());
        } else {
            print_topologies();
        }
    }
    if wants(What::Resources) {
        if arguments.json {
            all.insert("resources".to_owned(), resources_json());
        } else {
            print_resources();
        }
    }
    if !all.is_empty() {
        println!("{:#}", Value::Object(all));
    }
    exit
}

/// An experiment file, with its title unless it has mistakes.
struct Listed {
    file: PathBuf,
    title: Option<String>,
}

impl Listed {
    fn to_json(&self) -> Value {
        json!({ "file": self.file.display().to_string(), "title": self.title })
    }
}

/// The files of a folder by name; or why it cannot be read.
fn experiments(folder: &Path) -> Result<Vec<Listed>, String> {
    let mut files = Vec::new();
    collect(folder, FOLDERS_DEEP, &mut files).map_err(|error| {
        format!(
            "cannot read the folder {}: {error}; name another with --folder",
            folder.display()
        )
    })?;
    files.sort();
    let listed = |file: PathBuf| Listed {
        title: Experiment::load(&file, &Faults).ok().map(|one| one.title),
        file,
    };
    Ok(files.into_iter().map(listed).collect())
}

fn print_experiments(folder: &Path, experiments: &[Listed]) {
    println!("Experiments in {}:", folder.display());
    for one in experiments {
        let title = one.title.as_deref();
        let title = title.unwrap_or("has mistakes: see `ragdoll check`");
        println!("  {:<40} {title}", one.file.display().to_string());
    }
    println!();
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

fn fault_json(kind: &KindInfo) -> Value {
    let services = kind.services.iter().map(|service| service.name());
    json!({
        "kind": kind.name,
        "summary": kind.summary,
        "resource": kind.resource,
        "services": services.collect::<Vec<_>>(),
        "edges": kind.edges,
        "zones": kind.acts_on_zones(),
        "causes": kind.causes,
    })
}

fn print_faults() {
    println!("Kinds of fault:");
    for kind in Faults.kinds() {
        let services: Vec<&str> = kind.services.iter().map(|service| service.name()).collect();
        let edges = if kind.edges { "every edge" } else { "" };
        let zones = if kind.acts_on_zones() {
            "calls between zones"
        } else {
            ""
        };
        let graph = if !kind.acts_on_rag() {
            "services of a graph"
        } else {
            ""
        };
        let places = services.into_iter().chain([graph, edges, zones]);
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

fn topology_json(preset: &Preset) -> Value {
    let topology = preset.topology();
    let services = topology.services().into_iter().skip(1);
    let instances = services.map(|service| {
        let copies = topology.instances_of(service).len();
        (service.name().to_owned(), Value::from(copies))
    });
    let mut listed = json!({
        "name": preset.name,
        "summary": preset.summary,
        "instances": instances.collect::<serde_json::Map<_, _>>(),
    });
    if topology.takes_documents() {
        listed["shards"] = topology.vector_db.shards.into();
        listed["replicas"] = topology.vector_db.replicas.into();
    }
    listed
}

fn print_topologies() {
    println!("Topologies to begin with, as `topology.base` (see them with `ragdoll show`):");
    for preset in &PRESETS {
        let topology = preset.topology();
        // The client is one of them.
        let services = topology.services().len() - 1;
        let instances = topology.instances().len() - 1;
        println!("  {:<16} {}", preset.name, preset.summary);
        println!(
            "  {:<16} {}, {}",
            "",
            count(services, "service"),
            count(instances, "instance")
        );
    }
    println!();
}
