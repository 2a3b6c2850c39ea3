//! The `ragdoll` command: takes a hypothesis about a distributed RAG system to a verdict.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line program"
)]

mod commands;
mod exit;
mod pipe;
mod share;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use ragdoll_host::service;

use crate::commands::{
    agree, analyze, check, completions, dataset, export, fault, list, merge, run, schema, score,
    show, up,
};

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
  3  the environment is in the way: a file that cannot be read or written, no container engine, a
     process that died
  4  inconclusive: a fault never fired or nobody felt it, too few requests, or a machine that could
     not hold the load of a real ground

Start here:
  ragdoll run experiments/metadata_lock.toml
  ragdoll run experiments/slow_shard.toml --on loopback --phase-scale 0.25
  ragdoll list";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run experiments and compare the verdicts with what they expect
    Run(run::Arguments),
    /// Put the parts of a repeated run together that was split over processes or machines
    Merge(merge::Arguments),
    /// Run experiments on several grounds and compare what they say
    Agree(agree::Arguments),
    /// Name the bottleneck of any system from its traces, logs and metrics
    Analyze(analyze::Arguments),
    /// Keep a system running until it is stopped, for your own load
    Up(up::Arguments),
    /// Change the faults of a system that `ragdoll up` keeps running
    Fault(fault::Arguments),
    /// List experiments, kinds of fault, topologies to begin with, and resources of services
    List(list::Arguments),
    /// Show a topology as a picture and as TOML to copy
    Show(show::Arguments),
    /// Check experiment files without running them
    Check(check::Arguments),
    /// Make labelled cases of failure for methods that look for root causes
    Dataset(dataset::Arguments),
    /// Score methods on cases whose faults are known
    Score(score::Arguments),
    /// Write an experiment as manifests for a cluster
    Export(export::Arguments),
    /// Print the JSON schema of experiment files
    Schema,
    /// Print what a shell needs to complete commands and options
    Completions(completions::Arguments),
}

/// Name under which this program is one instance of a service: what `--on loopback` starts.
const SERVICE_NAME: &str = "ragdoll-service";

fn main() -> ExitCode {
    let own_name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&own_name).file_name() == Some(SERVICE_NAME.as_ref()) {
        return serve();
    }
    let arguments = Arguments::parse();
    let exit = pipe::until_nobody_reads(|| match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Merge(arguments) => merge::merge(&arguments),
        Command::Agree(arguments) => agree::agree(&arguments),
        Command::Analyze(arguments) => analyze::analyze(&arguments),
        Command::Up(arguments) => up::keep_up(&arguments),
        Command::Fault(arguments) => fault::fault(&arguments),
        Command::List(arguments) => list::list(&arguments),
        Command::Show(arguments) => show::show(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Dataset(arguments) => dataset::dataset(&arguments),
        Command::Score(arguments) => score::score(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::Schema => schema::print(),
        Command::Completions(arguments) => completions::print(&arguments, Arguments::command()),
    });
    ExitCode::from(exit.code())
}

fn serve() -> ExitCode {
    let arguments = service::Arguments::parse();
    let ready = |address| println!("{} {address}", service::LISTENING);
    match service::run(&arguments, ready) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
