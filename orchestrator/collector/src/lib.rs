//! Takes what the services say, writes it to files as it comes, and keeps what the analyser needs.
//! Runs on a thread of its own, beside the simulation.

mod convert;
mod ingest;
mod output;

pub use ingest::{Collected, Collector};
pub use output::{CollectError, LOGS_FILE, METRICS_FILE, Output, TRACES_FILE};
