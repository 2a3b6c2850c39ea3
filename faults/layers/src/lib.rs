//! What faults do. A fault's decision is a pure function of its parameters, the request's facts and
//! a named random stream; one thin tower layer carries every decision out, and a schedule puts
//! changes that last in force. What befalls a process or its network as a whole is an action: data
//! that says what is done to whom and when, since who can do it differs from ground to ground. None
//! of them leaves a trace of itself in the telemetry.
//!
//! A new fault is one new file in `faults/`, and its name in the list in `catalog.rs`.

mod action;
mod answer_code;
mod armed;
mod catalog;
mod cut;
mod decision;
mod direction;
mod facts;
mod faults;
mod injector;
mod layer;
mod met;
mod planned;
mod pulse;
mod schedule;
mod spoil;
mod timing;
mod witness;

pub use action::{Action, ActionTime, Means, Power};
pub use catalog::Faults;
pub use decision::{Decision, Fault, Kind, LoadChange};
pub use direction::Direction;
pub use facts::Facts;
pub use injector::{Injector, TimedLoadChange};
pub use layer::FaultLayer;
pub use met::StartedUs;
pub use planned::Planned;
pub use pulse::Pulse;
pub use spoil::Spoil;
pub use witness::{TouchedRequest, WitnessReport};
