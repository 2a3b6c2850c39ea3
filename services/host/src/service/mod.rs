//! One instance of a system as a process of its own.

mod arguments;
mod command;
mod control;
mod embedded;
mod error;
mod listen;
mod messages;
mod plan;
mod running;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ragdoll_fault_layers::Means;
use ragdoll_model::InstanceId;
use ragdoll_runtime::Clock;
use ragdoll_telemetry::tracing;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines, Stdin};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

pub use arguments::Arguments;
pub use command::Drained;
pub use embedded::{answer_on, messages_of};
pub use error::ServiceError;
pub use plan::{Addresses, Begin, Change, OutOfMemory, Plan};

use command::Command;
use control::Shared;
use running::Running;

/// Variable of the environment that may hold the plan.
const PLAN_VARIABLE: &str = "RAGDOLL_PLAN";
/// First words of the line in which a program that calls [`run`] tells where it listens.
pub const LISTENING: &str = "listening on";
/// Commands that wait for the main task.
const COMMANDS: usize = 16;
/// Most memory that a process takes before it stops waiting for the kernel to kill it.
const MOST_MEMORY_BYTES: usize = 2 << 30;

/// Runs the process until it is told to end. `ready` gets the address as soon as it is listened on.
///
/// # Errors
/// A plan that has a mistake, an address that cannot be listened on, and the model's being out of
/// memory.
pub fn run(arguments: &Arguments, ready: impl FnOnce(SocketAddr)) -> Result<(), ServiceError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            ServiceError::environment("cannot start the runtime".to_owned(), error, "")
        })?;
    let result = runtime.block_on(async {
        if let Some(url) = &arguments.check {
            return listen::check(url).await;
        }
        serve(arguments, ready).await
    });
    // Reads of standard input and burning threads end with the process, and are not waited for.
    runtime.shutdown_timeout(Duration::ZERO);
    result
}

async fn serve(arguments: &Arguments, ready: impl FnOnce(SocketAddr)) -> Result<(), ServiceError> {
    let (plan, orphaned) = read_plan(arguments.plan.as_deref()).await?;
    let id = arguments.instance(&plan)?;
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        let what = format!("cannot listen on {}", arguments.listen);
        ServiceError::environment(what, error, ": choose another address with --listen")
    })?;
    let address = listener.local_addr().map_err(|error| {
        ServiceError::environment("cannot tell the own address".to_owned(), error, "")
    })?;
    let (commands, inbox) = mpsc::channel(COMMANDS);
    let shared = Arc::new(Shared {
        running: RwLock::default(),
        commands,
    });
    let router = control::router(&shared).await;
    tokio::spawn(listen::accept(listener, router));
    let mut process = Process {
        plan,
        id,
        shared,
        logs: None,
    };
    if process.plan.standalone {
        let alone = process.alone();
        process.begin(alone).map_err(ServiceError::Plan)?;
    }
    ready(address);
    process.live(inbox, orphaned).await
}

/// The plan, and where it came from standard input, what is left of that.
async fn read_plan(
    file: Option<&Path>,
) -> Result<(Plan, Option<Lines<BufReader<Stdin>>>), ServiceError> {
    let mut standard_input = None;
    let (name, text) = match file {
        Some(path) if path == Path::new("-") => {
            die_with_parent()?;
            let mut lines = BufReader::new(tokio::io::stdin()).lines();
            let line = lines.next_line().await.map_err(|error| {
                ServiceError::environment("cannot read standard input".to_owned(), error, "")
            })?;
            standard_input = Some(lines);
            ("standard input".to_owned(), line.unwrap_or_default())
        }
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                let what = format!("cannot read {}", path.display());
                ServiceError::environment(what, error, ": name another file with --plan")
            })?;
            (path.display().to_string(), text)
        }
        None => match std::env::var(PLAN_VARIABLE) {
            Ok(text) => (PLAN_VARIABLE.to_owned(), text),
            Err(_) => return Ok((Plan::default(), None)),
        },
    };
    match serde_json::from_str(&text) {
        Ok(plan) => Ok((plan, standard_input)),
        Err(error) => Err(ServiceError::Plan(format!("the plan in {name}: {error}"))),
    }
}

/// A process whose plan comes from standard input belongs to who wrote it, and does not outlive it
/// even where it is stopped and cannot read on.
fn die_with_parent() -> Result<(), ServiceError> {
    let signal = rustix::process::Signal::KILL;
    rustix::process::set_parent_process_death_signal(Some(signal)).map_err(|error| {
        let what = "cannot tie the process to its parent".to_owned();
        ServiceError::environment(what, error.into(), "")
    })
}

struct Process {
    plan: Plan,
    id: InstanceId,
    shared: Arc<Shared>,
    /// Keeps the logs of the run in progress flowing.
    logs: Option<tracing::subscriber::DefaultGuard>,
}

impl Process {
    /// A run of its own, without faults.
    fn alone(&self) -> Begin {
        let clock = Clock::new_real();
        Begin {
            epoch_unix_us: clock.unix_us(clock.now_us()),
            seed: self.plan.seed,
            faults: Vec::new(),
            open: false,
            stopped: Vec::new(),
            means: Means::Signals,
            addresses: std::collections::BTreeMap::new(),
            restarts: 0,
        }
    }

    fn begin(&mut self, begin: Begin) -> Result<(), String> {
        self.logs = None;
        let begun = Running::begin(&self.plan, &self.id, begin, &self.shared.commands);
        let (running, logs) = begun.map_err(|error| error.to_string())?;
        let mut place = self
            .shared
            .running
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Some(Arc::new(running));
        drop(place);
        self.logs = Some(logs);
        Ok(())
    }

    /// Carries commands out until the process is to end.
    async fn live(
        mut self,
        mut inbox: mpsc::Receiver<Command>,
        mut parent: Option<Lines<BufReader<Stdin>>>,
    ) -> Result<(), ServiceError> {
        let no_signals =
            |error| ServiceError::environment("cannot wait for signals".to_owned(), error, "");
        let mut terminate = signal(SignalKind::terminate()).map_err(no_signals)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(no_signals)?;
        loop {
            tokio::select! {
                biased;
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                () = end_of(&mut parent) => return Ok(()),
                command = inbox.recv() => match command {
                    Some(Command::Begin(begin, reply)) => {
                        // Who asked may have gone away.
                        let _ = reply.send(self.begin(*begin));
                    }
                    Some(Command::OutOfMemory) => return self.run_out_of_memory().await,
                    None => break,
                },
            }
        }
        if let Some(running) = self.shared.running() {
            running.drain().await;
        }
        Ok(())
    }

    async fn run_out_of_memory(self) -> Result<(), ServiceError> {
        if let Some(running) = self.shared.running() {
            running.fall_silent();
            // The last words of a process that the kernel kills are seldom heard either; those from
            // before it ran out of memory were sent as they came.
            running.drain().await;
        }
        if self.plan.out_of_memory == OutOfMemory::Allocate {
            allocate_until_killed().await;
        }
        Err(ServiceError::OutOfMemory)
    }
}

/// Never ends where there is no parent to lose.
async fn end_of(parent: &mut Option<Lines<BufReader<Stdin>>>) {
    match parent {
        Some(lines) => while let Ok(Some(_)) = lines.next_line().await {},
        None => std::future::pending().await,
    }
}

async fn allocate_until_killed() {
    const STEP_BYTES: usize = 1 << 20;
    let allocating = tokio::task::spawn_blocking(|| {
        let mut held: Vec<Vec<u8>> = Vec::new();
        while held.len() * STEP_BYTES < MOST_MEMORY_BYTES {
            // The kernel gives a page only to who writes to it.
            let block = vec![held.len() as u8 | 1; STEP_BYTES];
            held.push(block);
        }
        std::hint::black_box(&held);
    });
    // Whether it was cut or ended, the process ends next.
    let _ = allocating.await;
}
