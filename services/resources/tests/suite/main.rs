//! The resources: what each does to a request, and queueing theory.

mod behaviour;
mod queueing_theory;
