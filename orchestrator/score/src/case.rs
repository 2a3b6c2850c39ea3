//! What a method sees of a case.

use std::collections::BTreeMap;

use ragdoll_analyser::Window;
use ragdoll_trace::{Observations, Symbol};

use crate::forest::Forest;

/// Telemetry of one case and its two windows, without the truth.
#[derive(Debug)]
pub struct CaseData {
    /// Name of the case, which says nothing of its faults.
    pub case: String,
    /// Spans, logs and metrics of both windows.
    pub observations: Observations,
    /// Time before the faults.
    pub before: Window,
    /// Time with the faults.
    pub during: Window,
    /// What was repaired or left out while the telemetry was read.
    pub notes: Vec<String>,
    pub(crate) forest: Forest,
}

impl CaseData {
    /// Puts a case together.
    pub fn new(case: String, observations: Observations, before: Window, during: Window) -> Self {
        let forest = Forest::new(&observations.traces, before, during);
        CaseData {
            case,
            observations,
            before,
            during,
            notes: Vec::new(),
            forest,
        }
    }

    /// The case with what is to be said of its telemetry.
    pub fn with_notes(self, notes: Vec<String>) -> Self {
        CaseData { notes, ..self }
    }

    /// Services that have spans, by name.
    pub fn services(&self) -> BTreeMap<&str, Symbol> {
        let set = &self.observations.traces;
        let resources = self.forest.resources.iter();
        resources
            .map(|&resource| {
                (
                    set.service(resource),
                    set.resources()[resource.0 as usize].service,
                )
            })
            .collect()
    }

    /// The instance of a service that has spans of one instance alone: whoever names the service has
    /// named it.
    pub fn only_instance(&self, service: &str) -> Option<&str> {
        let set = &self.observations.traces;
        let mut instances = self
            .forest
            .resources
            .iter()
            .filter(|&&resource| set.service(resource) == service)
            .map(|&resource| set.instance(resource));
        let only = instances.next().filter(|instance| !instance.is_empty())?;
        instances.next().is_none().then_some(only)
    }
}
