//! Takes what the services say, writes it to files as it comes, and keeps what the analyser needs.
//! Runs on a thread of its own. On the virtual ground a [`Collector`] gets batches from the same
//! process; on real grounds a [`Receiver`] gets them from the services, or from anybody else, by
//! OTLP over gRPC or HTTP.

mod codec;
mod collected;
mod collector;
mod convert;
mod forward;
mod grpc;
mod http;
mod inbox;
mod ingest;
mod local;
mod output;
mod receiver;
mod server;
mod service;
mod to_proto;

pub use collected::{Collected, Counts, Received};
pub use collector::Collector;
pub use output::{CollectError, LOGS_FILE, METRICS_FILE, Output, TRACES_FILE};
pub use receiver::Receiver;
