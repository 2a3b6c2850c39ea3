//! Runs an experiment on a ground and returns the record of the run.

mod client;
mod exact;
mod ground;
mod judgement;
mod load;
mod plan;
mod progress;
mod real;
mod recording;
mod run;
mod virtual_ground;

pub use exact::ExactAnswers;
#[cfg(feature = "docker")]
pub use ground::DockerOptions;
pub use ground::{DeployedOptions, Ground, LoopbackOptions};
pub use progress::Progress;
pub use ragdoll_host::service::{Addresses, Plan};
pub use real::GroundError;
pub use run::{RunError, RunOptions, run};
