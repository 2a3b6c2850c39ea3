//! A whole system in virtual time, and the same over TCP.

mod common;

mod answers;
mod conformance;
mod failures;
mod faults;
mod graph;
mod graph_faults;
mod index;
mod ingest;
mod streaming;
