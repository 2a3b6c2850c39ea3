//! From what an instance does to what its collector or a receiver on the network gets.

mod otlp;
mod recording;
