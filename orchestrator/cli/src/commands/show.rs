//! `ragdoll show`.

use std::collections::BTreeSet;

use clap::Args;
use ragdoll_deploy::topology_named;
use ragdoll_fault_spec::edges;
use ragdoll_model::presets::Preset;
use ragdoll_model::{Service, Stage, Topology};

use crate::exit::Exit;

/// What to show.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A preset, as `ragdoll list topologies` names them, or an experiment file
    #[arg(value_name = "PRESET")]
    name: String,
    /// Print the TOML alone: the part of an experiment file that describes the system
    #[arg(long)]
    toml: bool,
}

pub(crate) fn show(arguments: &Arguments) -> Exit {
    let topology = match topology_named(&arguments.name) {
        Ok(topology) => topology,
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::Usage;
        }
    };
    let preset = Preset::named(&arguments.name);
    if !arguments.toml {
        if let Some(preset) = preset {
            println!("{}: {}\n", preset.name, preset.summary);
        }
        print!("{}", picture(&topology));
        println!("\nAs part of an experiment file, to copy and change:\n");
    }
    match preset {
        Some(preset) => print!("{}", preset.text),
        None => print!("{}", written(&topology)),
    }
    Exit::Success
}

/// The part of a file that describes this system: of a graph, what graphs have.
fn written(topology: &Topology) -> String {
    let table = toml::Table::try_from(topology);
    let mut table = table.unwrap_or_else(|error| panic!("a topology is plain data: {error}"));
    if !topology.takes_documents() {
        table.retain(|key, _| ["corpus", "network", "graph"].contains(&key));
    }
    let file = toml::Table::from_iter([("topology".to_owned(), toml::Value::Table(table))]);
    file.to_string()
}

/// Who calls whom, as a tree from the users down. A service that several call is shown once with what it calls.
fn picture(topology: &Topology) -> String {
    let mut drawing = Drawing {
        topology,
        edges: edges(topology),
        seen: BTreeSet::new(),
        text: String::new(),
    };
    drawing.text.push_str("users\n");
    drawing.seen.insert(Service::CLIENT);
    drawing.callees(Service::CLIENT, "");
    // Whoever works without being called has a tree of its own.
    for service in topology.services() {
        if !drawing.seen.contains(&service) && !topology.is_called(service) {
            drawing.text.push_str(service.name());
            drawing.seen.insert(service);
            drawing.text.push('\n');
            drawing.callees(service, "");
        }
    }
    drawing.text
}

struct Drawing<'t> {
    topology: &'t Topology,
    edges: Vec<(Service, Service)>,
    seen: BTreeSet<Service>,
    text: String,
}

impl Drawing<'_> {
    fn callees(&mut self, caller: Service, indent: &str) {
        let calls = self.edges.iter().filter(|(from, _)| *from == caller);
        let callees: Vec<Service> = calls.map(|(_, to)| *to).collect();
        for (at, callee) in callees.iter().enumerate() {
            let is_last = at + 1 == callees.len();
            let (branch, deeper) = match is_last {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            let is_new = self.seen.insert(*callee);
            let about = match is_new {
                true => self.about(*callee),
                false => "see above".to_owned(),
            };
            let line = format!("{indent}{branch}{callee}  {about}");
            self.text.push_str(line.trim_end());
            self.text.push('\n');
            if is_new {
                self.callees(*callee, &format!("{indent}{deeper}"));
            }
        }
    }

    /// Its instances, where there are several, and its stages.
    fn about(&self, service: Service) -> String {
        let instances = self.topology.instances_of(service).len();
        let mut parts = Vec::new();
        if instances != 1 {
            parts.push(format!("× {instances}"));
        }
        if let Some(found) = self.topology.graph.service(service) {
            let stages = found.all_stages().map(Stage::name);
            let stages: Vec<&str> = stages.filter(|name| *name != "calls").collect();
            parts.push(stages.join(" → "));
        }
        parts.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture_of(preset: &str) -> String {
        picture(&Topology::base(preset).expect("a preset"))
    }

    #[test]
    fn a_service_that_several_call_is_drawn_once() {
        insta::assert_snapshot!(picture_of("agent"), @"
        users
        └─ agent  work → repeat
           ├─ llm  × 2  generate
           ├─ search  embed → device → work → search
           ├─ web
           └─ calculator
        ");
        insta::assert_snapshot!(picture_of("default"), @"
        users
        ├─ gateway
        │  ├─ metadata
        │  ├─ embedder
        │  ├─ vector-db
        │  │  └─ shard  × 8
        │  ├─ reranker
        │  └─ llm
        └─ ingest-api
        ingest-worker
        ├─ embedder  see above
        └─ shard  see above
        ");
    }
}
