//! `ragdoll-service`: one instance of one service as a process.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line program"
)]

use std::process::ExitCode;

use clap::Parser as _;
use ragdoll_host::service::{Arguments, LISTENING, run};

/// One thread allocates and another frees, which this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments, |address| println!("{LISTENING} {address}")) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
