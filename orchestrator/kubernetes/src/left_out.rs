//! The export of a program that was built without the types of the Kubernetes API: it says how to
//! get them.

use std::convert::Infallible;

use ragdoll_experiment::Experiment;

use crate::error::ExportError;
use crate::options::Options;

/// The objects of an export, of which there is none without the feature `api`.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifests(Infallible);

impl Manifests {
    /// All objects as one stream of YAML documents.
    pub fn stream(&self) -> String {
        match self.0 {}
    }

    /// A file for each kind of object, as name and text.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        match self.0 {}
    }
}

/// The manifests of an experiment.
///
/// # Errors
/// Always: options that Kubernetes would not take, or what is missing here.
pub fn export(_: &Experiment, _: &str, options: &Options) -> Result<Manifests, ExportError> {
    options.check()?;
    Err(ExportError::LeftOut)
}
