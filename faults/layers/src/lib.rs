//! What faults do. A fault's decision is a pure function of its parameters, the request's facts and
//! a named random stream; one thin tower layer carries every decision out, and a schedule puts
//! changes that last in force. What befalls a process or its network as a whole is an action: data
//! that says what is done to whom and when, since who can do it differs from ground to ground. None
//! of them leaves a trace of itself in the telemetry.
//!
//! A new fault is one new file in `faults/`, and its name in the list in `catalog.rs`.

mod action;
mod catalog;
mod cut;
mod decision;
mod faults;
mod injector;
mod layer;
mod schedule;
mod witness;

pub use action::{Action, Means, Power, TimedAction};
pub use catalog::Faults;
pub use cut::Direction;
pub use decision::{Decision, Facts, Fault, Kind};
pub use injector::{Injector, Planned};
pub use layer::{FaultLayer, FaultService};
pub use witness::{TouchedRequest, WitnessReport};
