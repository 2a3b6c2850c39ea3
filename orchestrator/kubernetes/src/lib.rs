//! Manifests for Kubernetes, from the topology of an experiment: either the whole system with the
//! load on it, or one experiment with many seeds, spread over the pods of an Indexed Job.
//!
//! They are built from the types of the Kubernetes API, so that a field that does not exist does
//! not compile. Nothing here talks to a cluster.

mod error;
mod jobs;
mod manifests;
mod names;
mod options;
mod plan;
mod pod;
mod resources;
mod system;
mod yaml;

pub use error::ExportError;
pub use manifests::{Manifests, export};
pub use options::{DEFAULT_IMAGE, Options, Sweep};
