//! What faults do. A fault's decision is a pure function of its parameters, the request's facts and
//! a named random stream; one thin tower layer carries every decision out, and a schedule puts
//! changes that last in force. Neither leaves a trace of itself in the telemetry.
//!
//! A new fault is one new file in `faults/`, and its name in the list in `catalog.rs`.

mod catalog;
mod decision;
mod faults;
mod injector;
mod layer;
mod witness;

pub use catalog::Faults;
pub use decision::{Decision, Facts, Fault, Kind};
pub use injector::{Injector, Planned};
pub use layer::{FaultLayer, FaultService};
pub use witness::{TouchedRequest, WitnessReport};
