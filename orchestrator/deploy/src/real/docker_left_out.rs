//! The docker ground of a program that was built without it: it says how to get it.

use std::convert::Infallible;
use std::net::SocketAddr;

use ragdoll_host::service::Plan;
use ragdoll_model::InstanceId;
use ragdoll_runtime::Clock;

use super::fleet::GroundError;
use super::loopback::Loopback;
use crate::ground::DockerOptions;

/// A site that never is: see `docker.rs` for what one can do.
pub(crate) struct Site(Infallible);

impl Site {
    pub(crate) async fn prepare(
        _: &DockerOptions,
        _: &[InstanceId],
        _: &Clock,
    ) -> Result<Site, GroundError> {
        Err(GroundError::Start {
            what: "containers".to_owned(),
            why: "this program was built without them".to_owned(),
            fix: "build it with `cargo build --release --features docker`".to_owned(),
        })
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        match self.0 {}
    }

    pub(crate) async fn start_all(self, _: &Plan, _: &Clock) -> Result<Loopback, GroundError> {
        match self.0 {}
    }
}
