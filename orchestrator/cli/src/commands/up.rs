//! `ragdoll up`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use ragdoll_deploy::{
    DockerOptions, Ground, LoopbackOptions, Served, UpOptions, topology_named, up,
};

use crate::exit::Exit;

/// Environment variable that holds the control API's token.
pub(crate) const TOKEN_VARIABLE: &str = "RAGDOLL_TOKEN";

/// Keep a system running until it is stopped, and change its faults meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// A base (default, minimal, wide), or an experiment file whose topology is meant
    #[arg(value_name = "TOPOLOGY", default_value = "default")]
    topology: String,
    /// Where to run
    #[arg(long, value_name = "GROUND", value_enum, default_value_t = On::Loopback)]
    on: On,
    /// Address of the control API; one that others can reach needs a token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7070")]
    listen: SocketAddr,
    /// What a caller of the control API must show [default: the variable RAGDOLL_TOKEN, else nothing]
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// Seed of every random draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Where the instances send their telemetry (OTLP/gRPC), such as http://127.0.0.1:4317
    #[arg(long, value_name = "URL")]
    otlp_endpoint: Option<String>,
    /// Folder of journal.json, which says what was done when
    #[arg(long, value_name = "FOLDER", default_value = "out/up")]
    out: PathBuf,
    /// Let computing keep processors busy; else it sleeps
    #[arg(long)]
    burn: bool,
    /// Program of an instance on loopback [default: this one]
    #[arg(long, value_name = "FILE")]
    service_program: Option<PathBuf>,
    /// Image of an instance in containers
    #[arg(long, value_name = "NAME", default_value = "ragdoll:dev")]
    image: String,
}

/// Grounds on which a system can be kept up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum On {
    /// One process an instance on 127.0.0.1
    Loopback,
    /// One container an instance
    Docker,
}

pub(crate) fn keep_up(arguments: &Arguments) -> Exit {
    let topology = match topology_named(&arguments.topology) {
        Ok(topology) => topology,
        Err(message) => {
            eprintln!("error: {message}");
            return Exit::Usage;
        }
    };
    let token = arguments.token.clone();
    let options = UpOptions {
        topology,
        seed: arguments.seed,
        ground: match arguments.on {
            On::Loopback => Ground::Loopback(LoopbackOptions {
                program: arguments.service_program.clone(),
                burn: arguments.burn,
            }),
            On::Docker => Ground::Docker(DockerOptions {
                image: arguments.image.clone(),
                burn: arguments.burn,
            }),
        },
        listen: arguments.listen,
        token: token.or_else(|| std::env::var(TOKEN_VARIABLE).ok()),
        otlp_endpoint: arguments.otlp_endpoint.clone(),
        out: Some(arguments.out.clone()),
    };
    eprintln!("starting {} …", arguments.topology);
    match up(&options, print_served) {
        Ok(()) => {
            let journal = arguments.out.join("journal.json");
            eprintln!("stopped; what was done is in {}", journal.display());
            Exit::Success
        }
        Err(error) => {
            eprintln!("error: {error}");
            match error.is_spec() {
                true => Exit::Usage,
                false => Exit::Environment,
            }
        }
    }
}

fn print_served(served: &Served) {
    let instance = |name: &str| {
        let address = served.instances.get(name);
        address.map_or("", String::as_str)
    };
    println!("ready: {} instances", served.instances.len());
    println!(
        "  queries    POST http://{}/v1/query",
        instance("gateway-0")
    );
    println!(
        "  documents  POST http://{}/v1/documents",
        instance("ingest-api-0")
    );
    println!(
        "  control    http://{}/v1/faults, described in /openapi.json",
        served.control
    );
    println!();
    println!(
        "  curl -s http://{}/v1/query -H 'content-type: application/json' \\",
        instance("gateway-0")
    );
    println!(
        "    -d '{{ \"query\": \"what is in the index\", \"top_k\": 4, \"user\": \"me\", \"max_tokens\": 16 }}'"
    );
    println!(
        "  ragdoll fault add latency --service reranker --params '{{ delay = {{ fixed = {{ ms = 800 }} }} }}'"
    );
    println!("  ragdoll fault list");
    println!();
    println!("Ctrl-C stops it.");
}
