//! What a real ground does with the instances of a system, whatever they are to it.

use std::collections::BTreeMap;
use std::future::Future;

use ragdoll_fault_layers::Means;
use ragdoll_model::InstanceId;
use thiserror::Error;

/// The environment is in the way of a real ground.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GroundError {
    /// The processes cannot be started at all.
    #[error("cannot start {what}: {why}; {fix}")]
    Start {
        /// What was to be started.
        what: String,
        /// Why it was not.
        why: String,
        /// What to do.
        fix: String,
    },
    /// An instance ended before it served.
    #[error("{instance} ended at its start{code}: {said}")]
    DiedAtStart {
        /// The instance.
        instance: String,
        /// Its exit code in words, or nothing.
        code: String,
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// An instance ended, and nobody had asked it to.
    #[error("{instance} ended after {at_s:.1} s of the run{code}: {said}")]
    Died {
        /// The instance.
        instance: String,
        /// When, in seconds of the run.
        at_s: f64,
        /// Its exit code in words, or nothing.
        code: String,
        /// The end of what it wrote to its standard error.
        said: String,
    },
    /// An instance does not answer.
    #[error("{instance} at {address} is not ready after {waited_s:.0} s: {why}")]
    NotReady {
        /// The instance.
        instance: String,
        /// Where it was looked for.
        address: String,
        /// How long.
        waited_s: f64,
        /// What was seen last.
        why: String,
    },
    /// An instance cannot be handled as a fault wants it.
    #[error("cannot {what} {instance}: {why}")]
    Action {
        /// What was to be done, such as `pause`.
        what: &'static str,
        /// The instance.
        instance: String,
        /// Why it was not.
        why: String,
    },
    /// A fault of an experiment does what cannot be done to deployed instances.
    #[error("{file}: `faults[{index}].kind` of phase `{phase}` {why}")]
    NotDeployable {
        /// The experiment.
        file: String,
        /// Position of the fault among its phase's, from 0.
        index: usize,
        /// Name of the phase.
        phase: String,
        /// What it is, why that cannot be done, and what to do instead.
        why: String,
    },
    /// The receiver of telemetry ended.
    #[error("the receiver of telemetry ended after {at_s:.1} s of the run: {why}")]
    Receiver {
        /// When, in seconds of the run.
        at_s: f64,
        /// Why.
        why: String,
    },
    /// Somebody asked the run to end.
    #[error("interrupted after {at_s:.1} s of the run")]
    Interrupted {
        /// When, in seconds of the run.
        at_s: f64,
    },
}

/// The end of an instance's process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exit {
    pub(crate) instance: InstanceId,
    /// Exit code, with 128 added to the number of a signal that killed it.
    pub(crate) code: Option<i32>,
    /// Whether it was killed for want of memory.
    pub(crate) out_of_memory: bool,
    /// The end of what it wrote to its standard error.
    pub(crate) said: String,
}

impl Exit {
    pub(crate) fn code_in_words(&self) -> String {
        self.code
            .map_or_else(String::new, |code| format!(" with exit code {code}"))
    }
}

/// All instances of a system on a real ground. Dropping it ends them.
pub(crate) trait Fleet: Send + Sync {
    /// Who carries out which of the faults' actions.
    fn means(&self) -> Means;

    /// Addresses at which the instances reach each other, where they did not know them from the
    /// start.
    fn addresses(&self) -> BTreeMap<String, String>;

    /// Address at which the orchestrator reaches an instance.
    fn address(&self, instance: &InstanceId) -> String;

    /// Kills an instance that runs.
    fn kill(&self, instance: &InstanceId) -> impl Future<Output = Result<(), GroundError>> + Send;

    /// Starts an instance that ended; it listens where it did before, or [`Fleet::address`] tells
    /// where.
    fn start(&self, instance: &InstanceId) -> impl Future<Output = Result<(), GroundError>> + Send;

    /// Lets an instance stand still.
    fn pause(&self, instance: &InstanceId) -> impl Future<Output = Result<(), GroundError>> + Send;

    /// Lets it go on.
    fn resume(&self, instance: &InstanceId)
    -> impl Future<Output = Result<(), GroundError>> + Send;

    /// Takes an instance off the network that it shares with the others.
    fn disconnect(
        &self,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<(), GroundError>> + Send;

    /// Puts it back.
    fn reconnect(
        &self,
        instance: &InstanceId,
    ) -> impl Future<Output = Result<(), GroundError>> + Send;

    /// Gives an instance `quota_ms` of processor time in each 100 ms; `None` lifts the quota.
    fn set_cpu_quota(
        &self,
        instance: &InstanceId,
        quota_ms: Option<f64>,
    ) -> impl Future<Output = Result<(), GroundError>> + Send;

    /// Whether somebody else starts instances that ended, which are then to begin the run again.
    fn is_restarted_by_others(&self) -> bool {
        false
    }

    /// Waits for the next instance that ends, whatever the reason.
    fn next_exit(&self) -> impl Future<Output = Exit> + Send;

    /// Ends all of them, and leaves nothing behind.
    fn stop(self) -> impl Future<Output = ()> + Send;
}
