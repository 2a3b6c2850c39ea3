//! What is kept up, and where it is to be found.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use ragdoll_model::Topology;
use serde::{Deserialize, Serialize};

use crate::ground::Ground;

/// What to keep running, and how it is controlled.
#[derive(Clone, Debug)]
pub struct UpOptions {
    /// The system.
    pub topology: Topology,
    /// Seed of every random draw.
    pub seed: u64,
    /// Loopback or docker.
    pub ground: Ground,
    /// Where the control API listens. An address that others can reach needs a token.
    pub listen: SocketAddr,
    /// What a caller of the control API must show, as `Authorization: Bearer TOKEN`.
    pub token: Option<String>,
    /// Where the instances send their telemetry, as an OTLP/gRPC endpoint that they can reach;
    /// nowhere unless given.
    pub otlp_endpoint: Option<String>,
    /// Folder of `journal.json`, made where it does not exist.
    pub out: Option<PathBuf>,
}

/// A system that serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// Where the control API listens.
    pub control: SocketAddr,
    /// `HOST:PORT` of each instance, by name.
    pub instances: BTreeMap<String, String>,
}
