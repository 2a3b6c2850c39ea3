//! The grounds on which an experiment can run.

use std::net::SocketAddr;
use std::path::PathBuf;

use ragdoll_host::service::Plan;

/// Whether this program was built with the ground of containers.
pub const HAS_CONTAINERS: bool = cfg!(feature = "docker");

/// Where an experiment runs.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Ground {
    /// In this process, in virtual time.
    #[default]
    Virtual,
    /// One process an instance, on 127.0.0.1.
    Loopback(LoopbackOptions),
    /// One container an instance.
    Docker(DockerOptions),
    /// Instances that somebody else started and that wait for a run.
    Deployed(DeployedOptions),
}

impl Ground {
    /// Name in records and on the command line.
    pub const fn name(&self) -> &'static str {
        match self {
            Ground::Virtual => "virtual",
            Ground::Loopback(_) => "loopback",
            Ground::Docker(_) => "docker",
            Ground::Deployed(_) => "deployed",
        }
    }
}

/// How to run on loopback.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoopbackOptions {
    /// The program of an instance; this program itself, under the name `ragdoll-service`, unless
    /// given.
    pub program: Option<PathBuf>,
    /// Whether computing keeps processors busy; else it is a sleep.
    pub burn: bool,
}

/// How to run in containers.
#[derive(Clone, Debug, PartialEq)]
pub struct DockerOptions {
    /// Image of every instance, as `name:tag`.
    pub image: String,
    /// Whether computing keeps processors busy; else it is a sleep.
    pub burn: bool,
}

/// How to run against instances that are there.
#[derive(Clone, Debug, PartialEq)]
pub struct DeployedOptions {
    /// The plan that they were started with.
    pub plan: Box<Plan>,
    /// Where their telemetry is received.
    pub listen: SocketAddr,
}
