//! The command as users run it.

mod analyze;
mod blindness;
mod common;
mod counterfactual;
mod determinism;
mod docker;
mod export;
mod exported_system;
mod idle_fault;
mod loopback;
mod many_files;
mod others;
mod repeat;
mod run;
mod up;
