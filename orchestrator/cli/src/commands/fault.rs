//! `ragdoll fault`: changes the faults of a system that `ragdoll up` keeps running.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ragdoll_deploy::{Changed, ControlClient, ControlError, FaultState, FaultView};

use crate::commands::up::TOKEN_VARIABLE;
use crate::exit::Exit;

/// Change the faults of a running system.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
    /// Address of the system's control API
    #[arg(
        long,
        global = true,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:7070"
    )]
    at: String,
    /// The system's token [default: the variable RAGDOLL_TOKEN]
    #[arg(long, global = true, value_name = "TOKEN")]
    token: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a fault, or make the one of this name another
    Add(Box<Add>),
    /// List the faults there are, and what they did
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take faults back
    Rm {
        /// Names of the faults
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Kill a process, which stays down until `restart`
    Crash { target: String },
    /// Start what was killed by `crash`
    Restart { target: String },
    /// Let a process stand still until `resume`
    Hang { target: String },
    /// Let a process that stands still go on
    Resume { target: String },
    /// Cut a process off from everybody else until `heal`
    Partition { target: String },
    /// Connect what was cut off again
    Heal { target: String },
}

#[derive(Debug, Args)]
struct Add {
    /// Kind of fault, as `ragdoll list faults` shows them
    #[arg(value_name = "KIND", required_unless_present = "file")]
    kind: Option<String>,
    /// A fault in TOML or JSON, in place of the other options
    #[arg(long, value_name = "FILE", conflicts_with = "kind")]
    file: Option<PathBuf>,
    /// Name by which it is changed or taken back [default: its kind]
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Act on every instance of this service
    #[arg(long, value_name = "NAME", conflicts_with_all = ["instance", "edge"])]
    service: Option<String>,
    /// Act on this instance, such as shard-2-0
    #[arg(long, value_name = "NAME", conflicts_with = "edge")]
    instance: Option<String>,
    /// Act on the calls from one service to another
    #[arg(long, value_name = "FROM:TO")]
    edge: Option<String>,
    /// What the kind needs to know, as a table in TOML
    #[arg(long, value_name = "TABLE")]
    params: Option<String>,
    /// Which requests it acts on, as a table in TOML
    #[arg(long, value_name = "TABLE")]
    only: Option<String>,
    /// Probability that it acts on a request
    #[arg(long, value_name = "P")]
    probability: Option<f64>,
    /// Seconds that it lasts; until it is taken back unless given
    #[arg(long, value_name = "SECONDS")]
    for_s: Option<f64>,
    /// Seconds until it starts
    #[arg(long, value_name = "SECONDS")]
    at_s: Option<f64>,
    /// Seconds from one start to the next
    #[arg(long, value_name = "SECONDS", requires = "for_s")]
    every_s: Option<f64>,
}

pub(crate) fn fault(arguments: &Arguments) -> Exit {
    let token = arguments.token.clone();
    let client = ControlClient {
        address: arguments.at.clone(),
        token: token.or_else(|| std::env::var(TOKEN_VARIABLE).ok()),
    };
    let done = match &arguments.action {
        Action::Add(add) => return add_fault(&client, add),
        Action::List { json } => client.list().map(|faults| print_list(&faults, *json)),
        Action::Rm { ids } => ids.iter().try_for_each(|id| client.remove(id)),
        Action::Crash { target } => client.act(target, "crash"),
        Action::Restart { target } => client.act(target, "restart"),
        Action::Hang { target } => client.act(target, "hang"),
        Action::Resume { target } => client.act(target, "resume"),
        Action::Partition { target } => client.act(target, "partition"),
        Action::Heal { target } => client.act(target, "heal"),
    };
    exit_of(done)
}

fn exit_of(done: Result<(), ControlError>) -> Exit {
    match done {
        Ok(()) => Exit::Success,
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                ControlError::Refused(_) => Exit::Usage,
                _ => Exit::Environment,
            }
        }
    }
}

fn add_fault(client: &ControlClient, add: &Add) -> Exit {
    let (name, text) = match written(add) {
        Ok(written) => written,
        Err((exit, message)) => {
            eprintln!("error: {message}");
            return exit;
        }
    };
    let id = add.id.clone().unwrap_or(name);
    exit_of(client.put(&id, &text).map(|answer| {
        let result = serde_json::from_value::<Changed>(answer["result"].clone());
        let words = match result {
            Ok(Changed::Changed) => "changed",
            Ok(Changed::Unchanged) => "unchanged",
            Ok(Changed::Added) | Err(_) => "added",
        };
        println!("{words}: {id}; `ragdoll fault rm {id}` takes it back");
    }))
}

/// A name for the fault, and the fault as TOML or JSON.
fn written(add: &Add) -> Result<(String, String), (Exit, String)> {
    if let Some(file) = &add.file {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let message = format!("cannot read {}: {error}", file.display());
            (Exit::Environment, message)
        })?;
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        return Ok((name.to_lowercase(), text));
    }
    let kind = add.kind.clone().unwrap_or_default();
    let text = toml_of(add, &kind).map_err(|message| (Exit::Usage, message))?;
    Ok((kind, text))
}

fn toml_of(add: &Add, kind: &str) -> Result<String, String> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let target = match (&add.service, &add.instance, &add.edge) {
        (Some(service), _, _) => format!("{{ service = {} }}", quoted(service)),
        (_, Some(instance), _) => format!("{{ instance = {} }}", quoted(instance)),
        (_, _, Some(edge)) => {
            let (from, to) = edge
                .split_once(':')
                .ok_or_else(|| format!("--edge {edge}: use FROM:TO, such as gateway:llm"))?;
            format!(
                "{{ edge = {{ from = {}, to = {} }} }}",
                quoted(from),
                quoted(to)
            )
        }
        (None, None, None) => {
            return Err("the fault has no target: add --service, --instance or --edge".to_owned());
        }
    };
    let mut lines = vec![
        format!("kind = {}", quoted(kind)),
        format!("target = {target}"),
    ];
    for (key, table) in [("params", &add.params), ("only", &add.only)] {
        lines.extend(table.as_ref().map(|table| format!("{key} = {table}")));
    }
    let numbers = [
        ("probability", add.probability),
        ("at_s", add.at_s),
        ("for_s", add.for_s),
        ("every_s", add.every_s),
    ];
    for (key, number) in numbers {
        lines.extend(number.map(|number| format!("{key} = {number:?}")));
    }
    Ok(lines.join("\n"))
}

fn print_list(faults: &[FaultView], json: bool) {
    if json {
        let text = serde_json::to_string_pretty(faults).expect("plain data has a JSON form");
        println!("{text}");
        return;
    }
    if faults.is_empty() {
        println!("no faults");
        return;
    }
    let rows = faults.iter().map(|view| {
        let state = match view.state {
            FaultState::Pending => "pending",
            FaultState::Active => "active",
            FaultState::Over => "over",
        };
        [
            view.id.clone(),
            view.fault.kind.clone(),
            view.fault.target.to_string(),
            state.to_owned(),
            format!("{} of {}", view.firings, view.opportunities),
            view.requests_touched.to_string(),
        ]
    });
    let head = ["id", "kind", "target", "state", "fired", "requests"].map(str::to_owned);
    let rows = std::iter::once(head).chain(rows);
    let rows: Vec<Vec<String>> = rows.map(|row| row.to_vec()).collect();
    for line in ragdoll_report::aligned(&rows, |_| false) {
        println!("{line}");
    }
}
