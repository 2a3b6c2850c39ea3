//! What the right answers to a case are, whatever the layout of its folder.

use ragdoll_analyser::Cause;

use crate::truth::Truth;

/// Right answers to one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Name of the case.
    pub case: String,
    /// Faults that should be named; none where nothing should be.
    pub faults: Vec<ExpectedFault>,
    /// Services that nobody may blame although something was done to them.
    pub decoys: Vec<String>,
}

/// A fault that should be named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedFault {
    /// `service.name`.
    pub service: String,
    /// `service.instance.id`; without one the instance is not graded.
    pub instance: Option<String>,
    /// Name of the kind of fault.
    pub kind: String,
    /// Causes that are right; without any the cause is not graded.
    pub causes: Vec<Cause>,
    /// Services that felt it.
    pub path: Vec<String>,
}

impl From<Truth> for Expected {
    fn from(truth: Truth) -> Self {
        let faults = truth.faults.into_iter().map(|fault| ExpectedFault {
            service: fault.service,
            instance: fault.instance,
            kind: fault.kind,
            causes: fault.causes,
            path: fault.path,
        });
        Expected {
            case: truth.case,
            faults: faults.collect(),
            decoys: truth
                .decoys
                .into_iter()
                .map(|decoy| decoy.service)
                .collect(),
        }
    }
}
