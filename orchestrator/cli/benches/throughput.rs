//! How fast the simulator is: `cargo bench -p ragdoll-cli` prints the first figures of `docs/figures.md`.
#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::process::Command;

use ragdoll_deploy::{RunOptions, run};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_runtime::Stopwatch;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Counted runs of each figure; the median is quoted.
const RUNS: usize = 5;

/// The default topology under its own load.
const DEFAULT: &str = r#"
title = "default"

[[phases]]
name = "before"
duration_s = 2000

[[phases]]
name = "after"
duration_s = 2000

[[expect]]
phase = "after"
verdict = "no_bottleneck"
"#;

/// Many more requests in flight: the default topology with as many engines as that takes.
const CROWDED: &str = r#"
title = "crowded"

[topology.llm]
instances = 16

[workload]
arrivals = { poisson_per_s = 48.0 }

[[phases]]
name = "before"
duration_s = 150

[[phases]]
name = "after"
duration_s = 150

[[expect]]
phase = "after"
verdict = "no_bottleneck"
"#;

fn main() {
    let folder = std::env::temp_dir().join("ragdoll-bench");
    std::fs::create_dir_all(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let written = throughput(DEFAULT, Some(folder.clone()));
    let unwritten = throughput(DEFAULT, None);
    let crowded = throughput(CROWDED, Some(folder.clone()));
    let lock_s = median(|| metadata_lock_s(&folder));
    println!("| figure | median of {RUNS} |");
    println!("| --- | --- |");
    println!(
        "| simulated requests a second, telemetry, files and analysis included | {written:.0} |"
    );
    println!(
        "| ratio to the same without files | {:.2} |",
        written / unwritten
    );
    println!("| the same with 450 requests in flight in place of 25 | {crowded:.0} |");
    println!("| `metadata_lock`, start of process to verdict | {lock_s:.2} s |");
}

/// Simulated requests a second of wall time.
fn throughput(text: &str, out: Option<PathBuf>) -> f64 {
    let experiment = Experiment::parse(text, Path::new("throughput.toml"), &Faults)
        .unwrap_or_else(|errors| panic!("{errors}"));
    let options = RunOptions {
        out,
        ..RunOptions::default()
    };
    median(|| {
        let record = run(&experiment, &options).unwrap_or_else(|error| panic!("{error}"));
        record.wall.map_or(f64::NAN, |wall| wall.requests_per_s)
    })
}

fn metadata_lock_s(folder: &Path) -> f64 {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/metadata_lock.toml");
    let stopwatch = Stopwatch::start();
    let output = Command::new(env!("CARGO_BIN_EXE_ragdoll"))
        .arg("run")
        .arg(&file)
        .arg("--out")
        .arg(folder)
        .output()
        .unwrap_or_else(|error| panic!("ragdoll: {error}"));
    let seconds = stopwatch.elapsed_s();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    seconds
}

/// Median of several runs after one that warms up.
fn median(measure: impl Fn() -> f64) -> f64 {
    measure();
    let mut figures: Vec<f64> = (0..RUNS).map(|_| measure()).collect();
    figures.sort_by(f64::total_cmp);
    figures[RUNS / 2]
}
