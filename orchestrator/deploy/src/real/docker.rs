//! The docker ground: a container for each instance, started by testcontainers on this machine's
//! engine.

mod belongings;
mod containers;
mod engine;
mod exits;
mod interruption;
mod labels;
mod networks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use ragdoll_fault_layers::Means;
use ragdoll_host::service::{Addresses, OutOfMemory, Plan};
use ragdoll_model::InstanceId;
use ragdoll_runtime::Clock;
use testcontainers::bollard::Docker as Engine;
use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::models::ContainerUpdateBody;
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, StartContainerOptions,
};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, GenericImage};
use tokio::sync::Mutex as AsyncMutex;

use self::belongings::Belongings;
use self::containers::{Image, PORT, Pattern};
use self::engine::{blocked, in_words, root_of, status_of};
use self::exits::{Exits, last_words};
use self::interruption::Interruption;
use self::networks::Networks;
use super::fleet::{Exit, Fleet, GroundError};
use crate::ground::DockerOptions;

/// Period of a quota of processor time.
const PERIOD_US: i64 = 100_000;
/// Least quota that an engine takes.
const LEAST_QUOTA_US: i64 = 1_000;
/// What lifts a quota.
const NO_QUOTA: i64 = -1;

/// An engine with networks for a run, on which no container is started yet. Dropping it removes
/// what it has there.
pub(crate) struct Site {
    image: Image,
    burns: bool,
    engine: Engine,
    networks: Networks,
    instances: Vec<InstanceId>,
    interruption: Interruption,
    belongings: Belongings,
}

impl Site {
    /// Creates the networks of a run. What runs that were killed left on the engine is removed.
    pub(crate) async fn prepare(
        options: &DockerOptions,
        instances: &[InstanceId],
        clock: &Clock,
    ) -> Result<Site, GroundError> {
        let interruption = Interruption::listen();
        let engine = engine::connect(clock).await?;
        let belongings = Belongings::new(&engine, clock);
        let leftovers = belongings.remove_leftovers().await;
        leftovers.map_err(|error| {
            let fix = "see what `docker ps` and `docker network ls` say";
            blocked("containers", in_words(&error), fix)
        })?;
        let image = Image::parse(&options.image);
        engine::check_image(&engine, &image.full_name()).await?;
        let networks = Networks::create(&engine, &belongings, instances).await?;
        interruption.check()?;
        Ok(Site {
            image,
            burns: options.burn,
            engine,
            networks,
            instances: instances.to_vec(),
            interruption,
            belongings,
        })
    }

    /// Address to listen on for the telemetry of the containers.
    pub(crate) fn listen(&self) -> SocketAddr {
        self.networks.listen()
    }

    /// Starts a container for each instance. What `plan` says of addresses, of computing, and of
    /// what happens when memory runs out is this ground's to say.
    pub(crate) async fn start_all(self, plan: &Plan, clock: &Clock) -> Result<Docker, GroundError> {
        let plan = Plan {
            addresses: Addresses::default(),
            out_of_memory: OutOfMemory::Allocate,
            burn: self.burns,
            ..plan.clone()
        };
        let label = self.belongings.own_label();
        let mut fleet = Docker {
            exits: Exits::watch(&self.engine, clock, label, &self.instances),
            belongings: self.belongings,
            members: BTreeMap::new(),
            engine: self.engine,
            networks: Arc::new(self.networks),
            burns: self.burns,
            turn: Arc::default(),
        };
        let launched = fleet
            .launch_all(&self.image, &plan, &self.instances, &self.interruption)
            .await;
        match launched {
            Ok(()) => Ok(fleet),
            Err(error) => {
                fleet.stop().await;
                Err(error)
            }
        }
    }
}

/// Containers on this machine's engine.
pub(crate) struct Docker {
    exits: Exits,
    // Dropped before the containers: what testcontainers would still remove is gone then.
    belongings: Belongings,
    members: BTreeMap<InstanceId, Member>,
    engine: Engine,
    networks: Arc<Networks>,
    burns: bool,
    /// Held while a container enters or leaves its networks.
    turn: Arc<AsyncMutex<()>>,
}

struct Member {
    container: ContainerAsync<GenericImage>,
    /// Where the orchestrator reaches it.
    address: Mutex<String>,
}

impl Docker {
    /// Lets the engine do something that takes a container into its networks or out of them, after
    /// what it does of that kind already: engines lose count of who is in a network when several
    /// enter or leave it at the same moment, and then never let it be removed. It is done to its
    /// end, whatever becomes of whoever asked for it.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let turn = self.turn.clone().lock_owned().await;
        let working = tokio::spawn(async move {
            let result = work.await;
            drop(turn);
            result
        });
        match working.await {
            Ok(result) => result,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => panic!("nobody aborts what the engine does"),
            },
        }
    }

    /// Starts containers until one cannot be, one after the other.
    async fn launch_all(
        &mut self,
        image: &Image,
        plan: &Plan,
        instances: &[InstanceId],
        interruption: &Interruption,
    ) -> Result<(), GroundError> {
        let plan_json = serde_json::to_string(plan).expect("plain data has a JSON form");
        for id in instances {
            // A launch goes on to its end: what the engine makes of one that was dropped in the
            // middle nobody would know.
            interruption.check()?;
            let pattern = Pattern {
                image,
                topology: &plan.topology,
                plan_json: &plan_json,
                belongings: &self.belongings,
                networks: &self.networks,
            };
            let member = self.launch(&pattern, id).await?;
            self.members.insert(id.clone(), member);
        }
        interruption.check()
    }

    async fn launch(&self, pattern: &Pattern<'_>, id: &InstanceId) -> Result<Member, GroundError> {
        let started = pattern.request(id).start().await;
        let container = started.map_err(|error| cannot_start(id, root_of(&error)))?;
        let connected = self
            .networks
            .connect(&self.engine, container.id(), id)
            .await;
        let address = match connected {
            Ok(()) => address_of(&container).await,
            Err(error) => Err(in_words(&error)),
        };
        match address {
            Ok(address) => Ok(Member {
                container,
                address: Mutex::new(address),
            }),
            Err(why) => Err(self.cause(id, container.id(), why).await),
        }
    }

    /// What a container that ended says is why something else failed.
    async fn cause(&self, id: &InstanceId, container: &str, why: String) -> GroundError {
        let found = self
            .engine
            .inspect_container(container, None::<InspectContainerOptions>);
        let state = found.await.ok().and_then(|found| found.state);
        match state.filter(|state| state.running == Some(false)) {
            Some(state) => {
                let code = state.exit_code;
                GroundError::DiedAtStart {
                    instance: id.name().to_owned(),
                    code: code.map_or_else(String::new, |code| format!(" with exit code {code}")),
                    said: last_words(&self.engine, container).await,
                }
            }
            None => cannot_start(id, why),
        }
    }

    fn member(&self, id: &InstanceId) -> &Member {
        let member = self.members.get(id);
        member.unwrap_or_else(|| panic!("{id} was never started"))
    }

    /// The engine, and what it knows an instance's container by.
    fn handle(&self, id: &InstanceId) -> (Engine, String) {
        let container = self.member(id).container.id();
        (self.engine.clone(), container.to_owned())
    }
}

fn locked<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn cannot_start(id: &InstanceId, why: String) -> GroundError {
    let what = format!("the container of {id}");
    let fix = "build the image with compose/build-image.sh, and see what `docker info` says of the engine";
    blocked(&what, why, fix)
}

async fn address_of(container: &ContainerAsync<GenericImage>) -> Result<String, String> {
    let port = container.get_host_port_ipv4(PORT).await;
    let port = port.map_err(|error| root_of(&error))?;
    Ok(format!("127.0.0.1:{port}"))
}

/// What was done to a container, as the supervisor takes it. One that has ended need not be killed,
/// and cannot be stopped.
fn done(
    what: &'static str,
    id: &InstanceId,
    result: Result<(), EngineError>,
) -> Result<(), GroundError> {
    match result {
        Err(error) if status_of(&error) != Some(409) => Err(GroundError::Action {
            what,
            instance: id.name().to_owned(),
            why: in_words(&error),
        }),
        _ => Ok(()),
    }
}

impl Fleet for Docker {
    fn means(&self) -> Means {
        Means::Engine { burns: self.burns }
    }

    /// They know each other by name.
    fn addresses(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn address(&self, instance: &InstanceId) -> String {
        locked(&self.member(instance).address).clone()
    }

    async fn kill(&self, instance: &InstanceId) -> Result<(), GroundError> {
        self.exits.expect(instance);
        let (engine, container) = self.handle(instance);
        let options = None::<KillContainerOptions>;
        let killing = async move { engine.kill_container(&container, options).await };
        done("kill", instance, self.in_turn(killing).await)
    }

    async fn start(&self, instance: &InstanceId) -> Result<(), GroundError> {
        let (engine, container) = self.handle(instance);
        let options = None::<StartContainerOptions>;
        let starting = async move { engine.start_container(&container, options).await };
        done("start", instance, self.in_turn(starting).await)?;
        let member = self.member(instance);
        // The engine publishes the port anew, under another number.
        let address = match address_of(&member.container).await {
            Ok(address) => address,
            Err(why) => return Err(self.cause(instance, member.container.id(), why).await),
        };
        *locked(&member.address) = address;
        Ok(())
    }

    async fn pause(&self, instance: &InstanceId) -> Result<(), GroundError> {
        let (engine, container) = self.handle(instance);
        done("pause", instance, engine.pause_container(&container).await)
    }

    async fn resume(&self, instance: &InstanceId) -> Result<(), GroundError> {
        let (engine, container) = self.handle(instance);
        done(
            "resume",
            instance,
            engine.unpause_container(&container).await,
        )
    }

    async fn disconnect(&self, instance: &InstanceId) -> Result<(), GroundError> {
        let (engine, container) = self.handle(instance);
        let networks = self.networks.clone();
        let leaving = async move { networks.disconnect(&engine, &container).await };
        done("disconnect", instance, self.in_turn(leaving).await)
    }

    async fn reconnect(&self, instance: &InstanceId) -> Result<(), GroundError> {
        let (engine, container) = self.handle(instance);
        let (networks, id) = (self.networks.clone(), instance.clone());
        let entering = async move { networks.connect(&engine, &container, &id).await };
        done("connect", instance, self.in_turn(entering).await)
    }

    async fn set_cpu_quota(
        &self,
        instance: &InstanceId,
        quota_ms: Option<f64>,
    ) -> Result<(), GroundError> {
        let quota_us = quota_ms.map(|quota_ms| (quota_ms * 1000.0).round() as i64);
        let update = ContainerUpdateBody {
            cpu_period: Some(PERIOD_US),
            cpu_quota: Some(quota_us.map_or(NO_QUOTA, |quota_us| quota_us.max(LEAST_QUOTA_US))),
            ..ContainerUpdateBody::default()
        };
        let (engine, container) = self.handle(instance);
        let updated = engine.update_container(&container, update).await;
        done("limit", instance, updated)
    }

    async fn next_exit(&self) -> Exit {
        self.exits.next().await
    }

    async fn stop(self) {
        drop(self.exits);
        let _turn = self.turn.lock().await;
        for member in self.members.into_values() {
            // What cannot be removed this way is found by its label.
            let _ = member.container.rm().await;
        }
        self.belongings.remove().await;
    }
}
