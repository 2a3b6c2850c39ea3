//! Time, randomness, processes and the network: everything that differs between a simulation and
//! the real thing, behind names that do not. No other crate reads a clock or draws a random number
//! that did not come from here.

pub mod clock;
pub mod control;
pub mod network;
pub mod process;
pub mod random;
pub mod refusal;

pub use clock::{Clock, Elapsed, Stopwatch, run_virtual};
pub use control::{Controls, Overflow, Overrides};
pub use network::{
    Body, BoxFuture, BoxService, Connection, DrawKey, Network, Request, Response, WireChange,
};
pub use process::Process;
pub use random::{Rng, Stream, Streams};
pub use refusal::{RETRY_PUSHBACK_MS, Refusal, is_grpc};
