//! A fault as it is put into a run.

use ragdoll_fault_spec::FaultSpec;
use ragdoll_model::Service;
use ragdoll_score::Cause;

/// A fault as it is put into a run, and the right answer to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Injection {
    /// The fault, and before it what it needs to show, such as the start that a cold start is about.
    pub specs: Vec<FaultSpec>,
    /// Name of the fault's kind.
    pub kind: &'static str,
    /// Where a reader of the telemetry would rightly look.
    pub service: Service,
    /// The one instance of several that it is about.
    pub instance: Option<String>,
    /// Right answers to the question for the cause, the best one first.
    pub causes: Vec<Cause>,
}

/// How strong a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Felt, slightly or much.
    Alone,
    /// Felt beside others, and not so much that these are not.
    OneOfSeveral,
}
