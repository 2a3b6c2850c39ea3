//! Runs an experiment on a ground and returns the record of the run.

mod behaviours;
mod client;
mod counterfactual;
mod error;
mod exact;
mod ground;
mod judgement;
mod load;
mod options;
mod parallel;
mod plan;
mod progress;
mod real;
mod recording;
mod run;
mod virtual_ground;

pub use behaviours::BehaviourError;
pub use counterfactual::run_counterfactual;
pub use error::RunError;
pub use exact::ExactAnswers;
pub use ground::{DeployedOptions, DockerOptions, Ground, HAS_CONTAINERS, LoopbackOptions};
pub use options::RunOptions;
pub use parallel::{cores, side_by_side};
pub use progress::Progress;
pub use ragdoll_collector::CollectError;
pub use ragdoll_host::service::{Addresses, Plan};
pub use ragdoll_stubs::hop::Behaviours;
pub use real::up::client::{ControlClient, ControlError};
pub use real::up::views::{Changed, FaultState, FaultView, Reason, Refused};
pub use real::up::{Served, UpError, UpOptions, topology_named, up};
pub use real::{GroundError, check_deployable};
pub use recording::{VirtualOutcomes, VirtualRecording};
pub use run::{outcomes_virtual, record_virtual, run};
