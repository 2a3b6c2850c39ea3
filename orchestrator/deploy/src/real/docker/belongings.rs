//! What runs have on the engine, and its removal.

use std::collections::BTreeSet;

use ragdoll_runtime::Clock;
use testcontainers::bollard::Docker;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::query_parameters::{
    ListContainersOptions, ListNetworksOptions, RemoveContainerOptions,
};

use super::labels::{OURS, OWNER, Owner, RUN};

/// How often removal is tried: a container that is being removed already holds its networks.
const TRIES: usize = 10;
/// Pause between two tries.
const PAUSE_US: u64 = 200_000;
/// How long removal may take at the end of a process that panics.
const LAST_MOMENT_US: u64 = 60_000_000;

/// Everything that one run has on the engine. Dropping it removes all of it, whatever the reason.
pub(crate) struct Belongings {
    docker: Docker,
    run: String,
    owner: Option<Owner>,
    clock: Clock,
    are_removed: bool,
}

impl Belongings {
    /// Of a run of this process that begins now and has nothing yet.
    pub(crate) fn new(docker: &Docker, clock: &Clock) -> Belongings {
        let begun_ms = clock.unix_us(clock.now_us()) / 1000;
        Belongings {
            docker: docker.clone(),
            run: format!("{}-{begun_ms}", std::process::id()),
            owner: Owner::this_process(),
            clock: clock.clone(),
            are_removed: false,
        }
    }

    /// Name of a thing of this run, which no other thing on the engine has.
    pub(crate) fn name_of(&self, thing: &str) -> String {
        format!("ragdoll-{}-{thing}", self.run)
    }

    /// Labels of every thing of this run.
    pub(crate) fn labels(&self) -> Vec<(String, String)> {
        let mut labels = vec![
            (OURS.to_owned(), "true".to_owned()),
            (RUN.to_owned(), self.run.clone()),
        ];
        let owner = self.owner.as_ref();
        labels.extend(owner.map(|owner| (OWNER.to_owned(), owner.label())));
        labels
    }

    /// The label that all things of this run have, and no other, as `KEY=VALUE`.
    pub(crate) fn own_label(&self) -> String {
        format!("{RUN}={}", self.run)
    }

    pub(crate) async fn remove(mut self) {
        remove_labelled(&self.docker, &self.own_label(), &self.clock).await;
        self.are_removed = true;
    }

    /// Removes what runs left behind whose processes were killed.
    pub(crate) async fn remove_leftovers(&self) -> Result<(), EngineError> {
        let Some(here) = &self.owner else {
            return Ok(());
        };
        for run in abandoned(&self.docker, here).await? {
            // What cannot be removed now is in nobody's way, and found again by the next run.
            let _ = try_remove(&self.docker, &format!("{RUN}={run}")).await;
        }
        Ok(())
    }
}

impl Drop for Belongings {
    /// Works within a runtime and without one, and while a panic unwinds.
    fn drop(&mut self) {
        if self.are_removed {
            return;
        }
        let (docker, label, clock) = (self.docker.clone(), self.own_label(), self.clock.clone());
        let removing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let Ok(runtime) = runtime else {
                return;
            };
            let removal = remove_labelled(&docker, &label, &clock);
            // What is left after that is for the next run to find.
            let _ = runtime.block_on(clock.timeout_us(LAST_MOMENT_US, removal));
        });
        // A panic of its own thread must not become one while another unwinds.
        let _ = removing.join();
    }
}

/// Removes containers and networks with this label, as far as the engine lets it.
async fn remove_labelled(docker: &Docker, label: &str, clock: &Clock) {
    for _ in 0..TRIES {
        match try_remove(docker, label).await {
            Ok(()) => return,
            Err(_) => clock.sleep_us(PAUSE_US).await,
        }
    }
}

/// Errors where something may be left.
async fn try_remove(docker: &Docker, label: &str) -> Result<(), EngineError> {
    let mut result = Ok(());
    // One after the other, as they were started.
    for (id, _) in containers(docker, label).await? {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            ..RemoveContainerOptions::default()
        };
        result = docker
            .remove_container(&id, Some(options))
            .await
            .and(result);
    }
    for (id, _) in networks(docker, label).await? {
        result = docker.remove_network(&id).await.and(result);
    }
    result
}

/// Runs on this engine whose processes have ended.
async fn abandoned(docker: &Docker, here: &Owner) -> Result<BTreeSet<String>, EngineError> {
    let ours = format!("{OURS}=true");
    let mut things = containers(docker, &ours).await?;
    things.extend(networks(docker, &ours).await?);
    let runs = things.into_iter().filter_map(|(_, labels)| {
        let value = |key: &str| {
            labels
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value)
        };
        let has_ended = Owner::has_ended(value(OWNER)?, here);
        has_ended.then(|| value(RUN).cloned())?
    });
    Ok(runs.collect())
}

/// Id and labels of a thing.
type Labelled = (String, Vec<(String, String)>);

async fn containers(docker: &Docker, label: &str) -> Result<Vec<Labelled>, EngineError> {
    let options = ListContainersOptions {
        all: true,
        filters: Some([("label".to_owned(), vec![label.to_owned()])].into()),
        ..ListContainersOptions::default()
    };
    let found = docker.list_containers(Some(options)).await?.into_iter();
    let labelled = found.map(|container| {
        let labels = container.labels.unwrap_or_default();
        (
            container.id.unwrap_or_default(),
            labels.into_iter().collect(),
        )
    });
    Ok(labelled.collect())
}

async fn networks(docker: &Docker, label: &str) -> Result<Vec<Labelled>, EngineError> {
    let options = ListNetworksOptions {
        filters: Some([("label".to_owned(), vec![label.to_owned()])].into()),
    };
    let found = docker.list_networks(Some(options)).await?.into_iter();
    let labelled = found.map(|network| {
        let labels = network.labels.unwrap_or_default();
        (network.id.unwrap_or_default(), labels.into_iter().collect())
    });
    Ok(labelled.collect())
}
