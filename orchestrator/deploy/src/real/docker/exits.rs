//! The ends of containers, as the engine tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use ragdoll_model::InstanceId;
use ragdoll_runtime::Clock;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::models::EventMessage;
use testcontainers::bollard::query_parameters::{
    EventsOptions, InspectContainerOptions, LogsOptions,
};
use tokio::sync::{Mutex as AsyncMutex, mpsc};

use super::super::fleet::Exit;
use super::engine::in_words;
use super::labels::INSTANCE;

/// Exits that wait for who asks for them; then the engine's next event does.
const EXITS_WAITING: usize = 64;
/// How often a lost connection to the engine's events is made anew.
const MOST_RECONNECTS: usize = 10;
/// Pause before that.
const RECONNECT_PAUSE_US: u64 = 200_000;
/// Exit code of a process that was killed.
const KILLED: i32 = 137;
/// How often a killed container is looked at for why: the engine may hear of it later than of its
/// end.
const LOOKS: usize = 5;
/// Pause between two looks.
const LOOK_PAUSE_US: u64 = 100_000;
/// How much of what a process wrote to its standard error is kept.
const SAID_BYTES: usize = 4096;
/// How many lines of it are read.
const SAID_LINES: &str = "100";

/// Containers that are being killed on purpose.
pub(crate) type Asked = Arc<Mutex<BTreeSet<InstanceId>>>;

/// Hears of the ends of a run's containers until it is dropped.
pub(crate) struct Exits {
    inbox: AsyncMutex<mpsc::Receiver<Exit>>,
    asked: Asked,
    watching: tokio::task::JoinHandle<()>,
}

impl Exits {
    /// Watches the containers with `label` (`KEY=VALUE`), from now on.
    pub(crate) fn watch(
        docker: &Docker,
        clock: &Clock,
        label: String,
        instances: &[InstanceId],
    ) -> Exits {
        let (exited, inbox) = mpsc::channel(EXITS_WAITING);
        let asked = Asked::default();
        let names = instances
            .iter()
            .map(|id| (id.name().to_owned(), id.clone()));
        let watcher = Watcher {
            docker: docker.clone(),
            clock: clock.clone(),
            label,
            instances: names.collect(),
            asked: asked.clone(),
            since_ns: clock.unix_us(clock.now_us()) * 1000,
            short_of_memory: BTreeSet::new(),
        };
        Exits {
            inbox: AsyncMutex::new(inbox),
            asked,
            watching: tokio::spawn(watcher.run(exited)),
        }
    }

    /// Lets a container's end be one that was asked for.
    pub(crate) fn expect(&self, instance: &InstanceId) {
        locked(&self.asked).insert(instance.clone());
    }

    /// The next container that ends.
    pub(crate) async fn next(&self) -> Exit {
        match self.inbox.lock().await.recv().await {
            Some(exit) => exit,
            // The last one said that no more are heard of.
            None => std::future::pending().await,
        }
    }
}

impl Drop for Exits {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

fn locked(asked: &Asked) -> std::sync::MutexGuard<'_, BTreeSet<InstanceId>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Watcher {
    docker: Docker,
    clock: Clock,
    label: String,
    /// By name.
    instances: BTreeMap<String, InstanceId>,
    asked: Asked,
    /// Unix time of the first event that was not heard yet, in nanoseconds.
    since_ns: u64,
    /// Those for whom the kernel looked for a process to kill, and who did not end yet.
    short_of_memory: BTreeSet<InstanceId>,
}

impl Watcher {
    async fn run(mut self, exited: mpsc::Sender<Exit>) {
        let mut why = String::new();
        for _ in 0..MOST_RECONNECTS {
            why = match self.listen(&exited).await {
                Ok(()) => "the engine ended them".to_owned(),
                Err(error) => in_words(&error),
            };
            self.clock.sleep_us(RECONNECT_PAUSE_US).await;
        }
        // Nobody knows any more who lives: the first stands for all of them.
        if let Some(instance) = self.instances.into_values().next() {
            let exit = Exit {
                instance,
                code: None,
                out_of_memory: false,
                said: format!("the container engine's events are lost: {why}"),
            };
            // Nobody waits any more where the run is over.
            let _ = exited.send(exit).await;
        }
    }

    /// Passes exits on until the engine's events end.
    async fn listen(&mut self, exited: &mpsc::Sender<Exit>) -> Result<(), EngineError> {
        let filters = [
            ("type".to_owned(), vec!["container".to_owned()]),
            ("event".to_owned(), vec!["die".to_owned(), "oom".to_owned()]),
            ("label".to_owned(), vec![self.label.clone()]),
        ];
        let (seconds, nanoseconds) = (self.since_ns / 1_000_000_000, self.since_ns % 1_000_000_000);
        let options = EventsOptions {
            since: Some(format!("{seconds}.{nanoseconds:09}")),
            filters: Some(filters.into()),
            ..EventsOptions::default()
        };
        let mut events = pin!(self.docker.clone().events(Some(options)));
        while let Some(event) = events.next().await {
            let event = event?;
            let at_ns = event.time_nano.and_then(|at_ns| u64::try_from(at_ns).ok());
            self.since_ns = at_ns.map_or(self.since_ns, |at_ns| at_ns + 1);
            if let Some(exit) = self.hear(event).await {
                // Nobody waits any more where the run is over.
                let _ = exited.send(exit).await;
            }
        }
        Ok(())
    }

    async fn hear(&mut self, event: EventMessage) -> Option<Exit> {
        let actor = event.actor?;
        let attributes = actor.attributes?;
        let instance = self.instances.get(attributes.get(INSTANCE)?)?.clone();
        if event.action.as_deref() == Some("oom") {
            self.short_of_memory.insert(instance);
            return None;
        }
        let container = actor.id?;
        let code = attributes
            .get("exitCode")
            .and_then(|code| code.parse().ok());
        let was_short = self.short_of_memory.remove(&instance);
        let was_asked = locked(&self.asked).remove(&instance);
        let out_of_memory = code == Some(KILLED)
            && !was_asked
            && (was_short || self.was_out_of_memory(&container).await);
        Some(Exit {
            instance,
            code,
            out_of_memory,
            said: last_words(&self.docker, &container).await,
        })
    }

    async fn was_out_of_memory(&self, container: &str) -> bool {
        for _ in 0..LOOKS {
            let found = self
                .docker
                .inspect_container(container, None::<InspectContainerOptions>);
            let state = found.await.ok().and_then(|found| found.state);
            if state.and_then(|state| state.oom_killed) == Some(true) {
                return true;
            }
            self.clock.sleep_us(LOOK_PAUSE_US).await;
        }
        false
    }
}

/// The end of what a container wrote to its standard error.
pub(crate) async fn last_words(docker: &Docker, container: &str) -> String {
    let options = LogsOptions {
        stderr: true,
        tail: SAID_LINES.to_owned(),
        ..LogsOptions::default()
    };
    let mut said = Vec::new();
    let mut pieces = pin!(docker.logs(container, Some(options)));
    // What cannot be read was not said.
    while let Some(Ok(piece)) = pieces.next().await {
        said.extend_from_slice(&piece.into_bytes());
        let surplus = said.len().saturating_sub(SAID_BYTES);
        said.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&said).trim().to_owned();
    if text.is_empty() {
        return "it said nothing".to_owned();
    }
    text
}
