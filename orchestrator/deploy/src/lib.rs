//! Runs an experiment on a ground and returns the record of the run.

mod client;
mod exact;
mod judgement;
mod plan;
mod progress;
mod run;
mod virtual_ground;

pub use exact::ExactAnswers;
pub use progress::Progress;
pub use run::{RunError, RunOptions, run};
