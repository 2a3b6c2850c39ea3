//! The `ragdoll` command: takes a hypothesis about a distributed RAG system to a verdict.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line program"
)]

mod commands;
mod exit;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands::{check, list, run, schema};

/// Simulating allocates on one thread and frees on another, which this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A crash-test dummy for distributed RAG: runs a simulated system, breaks it on purpose, and says
/// from its own traces which part is the bottleneck.
#[derive(Debug, Parser)]
#[command(name = "ragdoll", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  every expectation holds
  1  some expectation does not hold
  2  the experiment file or the command line has a mistake
  3  the environment is in the way: a file that cannot be read or written
  4  inconclusive: a fault never fired or nobody felt it, or too few requests

Start here:
  ragdoll run experiments/metadata_lock.toml
  ragdoll list";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run experiments and compare the verdicts with what they expect
    Run(run::Arguments),
    /// List experiments, kinds of fault and base topologies
    List(list::Arguments),
    /// Check experiment files without running them
    Check(check::Arguments),
    /// Print the JSON schema of experiment files
    Schema,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let exit = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Schema => schema::print(),
    };
    ExitCode::from(exit.code())
}
