//! `ragdoll run`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ragdoll_deploy::{Progress, RunError, RunOptions};
use ragdoll_experiment::{Experiment, RunRecord};
use ragdoll_fault_layers::Faults;
use ragdoll_report::TerminalOptions;

use crate::exit::Exit;

/// How often the progress bar moves.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// Width of the report where the output is no terminal.
const PIPE_WIDTH: usize = 100;
/// Most seeds of one call.
const MOST_SEEDS: u64 = 100_000;

/// What to run and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Experiment files (TOML)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Seed in place of the file's own
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Run with this many seeds, counted up from the first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MOST_SEEDS))]
    repeat: u64,
    /// Folder for traces, logs, metrics, journal and reports [default: out/NAME]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write no files
    #[arg(long, conflicts_with = "out")]
    no_out: bool,
    /// Print the record of the run as JSON in place of the report
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Exit {
    let mut experiments = Vec::new();
    let mut mistaken = false;
    for file in &arguments.files {
        match Experiment::load(file, &Faults) {
            Ok(experiment) => experiments.push(experiment),
            Err(errors) => {
                eprintln!("{errors}");
                mistaken = true;
            }
        }
    }
    if mistaken {
        return Exit::Usage;
    }
    let mut records = Vec::new();
    let mut exit = Exit::Success;
    for experiment in &experiments {
        match run_seeds(arguments, experiment, experiments.len() > 1) {
            Ok(runs) => records.extend(runs),
            Err(failure) => {
                eprintln!("error: {}", failure.message);
                exit = exit.max(failure.exit);
            }
        }
    }
    if arguments.json {
        print_json(&records);
    }
    let outcomes = records.iter().map(|record| Exit::of(&record.outcome));
    outcomes.fold(exit, Exit::max)
}

struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    fn environment(message: String) -> Self {
        Failure {
            exit: Exit::Environment,
            message,
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        let exit = if error.is_spec() {
            Exit::Usage
        } else {
            Exit::Environment
        };
        Failure {
            exit,
            message: error.to_string(),
        }
    }
}

fn run_seeds(
    arguments: &Arguments,
    experiment: &Experiment,
    several_files: bool,
) -> Result<Vec<RunRecord>, Failure> {
    let first_seed = arguments.seed.unwrap_or(experiment.seed);
    let mut records = Vec::new();
    for offset in 0..arguments.repeat {
        let mut experiment = experiment.clone();
        experiment.seed = first_seed.wrapping_add(offset);
        let out = out_folder(arguments, &experiment, several_files);
        let record = run_one(&experiment, out.as_deref())?;
        if !arguments.json && arguments.repeat == 1 {
            let options = terminal_options(out.as_deref());
            print!("{}", ragdoll_report::terminal(&record, &options));
        }
        records.push(record);
    }
    if !arguments.json && arguments.repeat > 1 {
        print!("{}", ragdoll_report::repeat_summary(&records));
    }
    Ok(records)
}

/// The folder of one run: named by the experiment, and by the seed where there are several.
fn out_folder(
    arguments: &Arguments,
    experiment: &Experiment,
    several_files: bool,
) -> Option<PathBuf> {
    if arguments.no_out {
        return None;
    }
    let stem = experiment.file.file_stem().unwrap_or_default();
    let mut folder = match &arguments.out {
        Some(folder) if several_files => folder.join(stem),
        Some(folder) => folder.clone(),
        None => Path::new("out").join(stem),
    };
    if arguments.repeat > 1 {
        folder.push(format!("seed-{}", experiment.seed));
    }
    Some(folder)
}

fn run_one(experiment: &Experiment, out: Option<&Path>) -> Result<RunRecord, Failure> {
    let options = RunOptions {
        out: out.map(Path::to_owned),
        progress: Progress::default(),
    };
    let record = with_progress(experiment, &options)?;
    if let Some(folder) = out {
        write(folder, "run.json", &ragdoll_report::json(&record))?;
        write(folder, "report.html", &ragdoll_report::html(&record))?;
        let junit = ragdoll_report::junit(std::slice::from_ref(&record));
        write(folder, "junit.xml", &junit)?;
    }
    Ok(record)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    std::fs::write(&path, text)
        .map_err(|error| Failure::environment(format!("cannot write {}: {error}", path.display())))
}

/// Runs with a bar on a terminal, and without a word in a pipe.
fn with_progress(experiment: &Experiment, options: &RunOptions) -> Result<RunRecord, RunError> {
    if !std::io::stderr().is_terminal() {
        return ragdoll_deploy::run(experiment, options);
    }
    let length_s = experiment.duration_s().ceil() as u64;
    let bar = ProgressBar::new(length_s);
    let style = ProgressStyle::with_template(
        "{prefix} {wide_bar} {pos}/{len} simulated s, {elapsed} elapsed",
    );
    bar.set_style(style.expect("the template is constant"));
    bar.set_prefix(format!("seed {}", experiment.seed));
    let record = std::thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        let running = scope.spawn(move || {
            let record = ragdoll_deploy::run(experiment, options);
            drop(done);
            record
        });
        while let Err(mpsc::RecvTimeoutError::Timeout) = finished.recv_timeout(BAR_INTERVAL) {
            bar.set_position((options.progress.now_us() / 1_000_000).min(length_s));
        }
        match running.join() {
            Ok(record) => record,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    bar.finish_and_clear();
    record
}

fn terminal_options(out: Option<&Path>) -> TerminalOptions {
    let stdout = std::io::stdout();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let width = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    TerminalOptions {
        width: width.unwrap_or(PIPE_WIDTH),
        colour,
        folder: out.map(|folder| folder.display().to_string()),
    }
}

fn print_json(records: &[RunRecord]) {
    match records {
        [record] => print!("{}", ragdoll_report::json(record)),
        records => {
            let all = serde_json::to_string_pretty(records).expect("records are plain data");
            println!("{all}");
        }
    }
}
