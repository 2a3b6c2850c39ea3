//! Manifests for Kubernetes, from the topology of an experiment: either the whole system with the
//! load on it, or one experiment with many seeds, spread over the pods of an Indexed Job.
//!
//! They are built from the types of the Kubernetes API, so that a field that does not exist does
//! not compile. Nothing here talks to a cluster.
//!
//! Those types are behind the feature `api`, since they take longer to build than the rest of this
//! crate: without it [`export`] says how to get them.

mod dns_label;
mod error;
#[cfg(feature = "api")]
mod jobs;
#[cfg_attr(not(feature = "api"), path = "left_out.rs")]
mod manifests;
#[cfg(feature = "api")]
mod names;
mod options;
#[cfg(feature = "api")]
mod plan;
#[cfg(feature = "api")]
mod pod;
#[cfg(feature = "api")]
mod resources;
#[cfg(feature = "api")]
mod system;
#[cfg(feature = "api")]
mod yaml;

pub use error::ExportError;
pub use manifests::{Manifests, export};
pub use options::{DEFAULT_IMAGE, Options, Sweep};
