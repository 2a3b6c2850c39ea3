//! How many validated cases a minute are made: `cargo bench -p ragdoll-dataset`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use ragdoll_dataset::{Options, Shard, generate};
use ragdoll_runtime::Stopwatch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Cases of the measured data set.
const CASES: u64 = 300;

fn main() {
    let folder = tempfile::tempdir().expect("a folder for a data set");
    let options = Options {
        cases: CASES,
        seed: 1,
        out: folder.path().join("dataset"),
        shard: Shard { index: 0, count: 1 },
        jobs: ragdoll_deploy::cores(),
    };
    let stopwatch = Stopwatch::start();
    let made = generate(&options, || ()).unwrap_or_else(|error| panic!("{error}"));
    let minutes = stopwatch.elapsed_s() / 60.0;
    let cases = made.manifest.cases;
    let discarded: u64 = made.manifest.discarded.values().sum();
    println!("| figure | value |");
    println!("| --- | --- |");
    println!("| cores | {} |", options.jobs);
    println!("| validated cases | {cases} |");
    println!("| candidates left out | {discarded} |");
    println!(
        "| validated cases a minute, files included | {:.0} |",
        cases as f64 / minutes
    );
}
