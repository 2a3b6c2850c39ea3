//! Both transports, one behaviour: every resource and every fault is run once on the virtual network
//! and once over TCP on loopback, and the same findings must hold for what the system said.
//!
//! Virtual time is exact, and so are findings about it. Real time is not: there a span is at least
//! as long as what was put into it, and all else is told from orders, counts and statuses.

mod calm;
mod coverage;
mod line;
mod outcome;
mod stage;
mod tcp;
mod transport;

mod absent;
mod answer_faults;
mod balance_faults;
mod calls;
mod documents;
mod engine;
mod fan_out;
mod lives;
mod mitigations;
mod partitions;
mod process_faults;
mod queues;
mod request_faults;
mod reranking;
mod scarce_resources;
mod stages;
mod stages_work;
mod streams;
mod traces;
mod wire;
mod zones;

pub(crate) use coverage::{Shown, Subject};
pub(crate) use line::{Line, converse, converse_on};
pub(crate) use outcome::Outcome;
pub(crate) use stage::{Stage, fault, lasting, small, together};
pub(crate) use transport::{Transport, conform};

/// A millisecond, in microseconds.
pub(crate) const MS: u64 = 1_000;
/// A second, in microseconds.
pub(crate) const SECOND: u64 = 1_000_000;
