//! Puts stubs behind their servers and wires a whole system together. The order of all layers is in
//! one file, [`mod@stack`]; [`service`] runs one instance as a process.

mod alive;
mod answer;
mod caller;
mod operation;
mod readiness;
mod remote;
mod served;
pub mod service;
pub mod stack;
mod system;

pub use remote::{BadAddress, remote};
pub use system::{Member, Surroundings, System};
