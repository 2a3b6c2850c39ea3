//! `ragdoll run`.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ragdoll_deploy::{Ground, Progress, RunError, RunOptions, run_counterfactual};
use ragdoll_experiment::{Experiment, RunRecord};
use ragdoll_fault_layers::Faults;
use ragdoll_report::{RepeatPlan, TerminalOptions};

use crate::commands::failure::Failure;
use crate::commands::ground::{GroundArguments, GroundName};
use crate::commands::repeat::{RepeatFolder, seed_folder};
use crate::commands::reports::write_reports;
use crate::commands::suite::{self, Suite, is_suite};
use crate::exit::Exit;
use crate::share::Share;

/// How often the progress bar moves.
const BAR_INTERVAL: Duration = Duration::from_millis(100);
/// Width of the report where the output is no terminal, and the most on a wide one: longer lines are
/// hard to read.
const PIPE_WIDTH: usize = 100;
/// Most seeds of one call.
pub(crate) const MOST_SEEDS: u64 = 100_000;

/// What to run and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Experiment files (TOML), or folders of them. Of several a line each is printed; virtual
    /// time is run on every core
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Seed in place of the file's own
    #[arg(long, value_name = "SEED")]
    seed: Option<u64>,
    /// Run with this many seeds, counted up from the first. Each has a folder of its own within
    /// that of the run, whose repeat.jsonl has a record a line; none of the files holds what
    /// depends on the machine, such as the time that a run took
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MOST_SEEDS))]
    repeat: u64,
    /// Run only share I of N of the seeds, counted from 0: seed I and every N-th after it. `ragdoll
    /// merge` puts the shares together
    #[arg(long, value_name = "I/N", requires = "repeat")]
    shard: Option<Share>,
    /// Run each seed again without each declared fault in turn, and check that the bottleneck is
    /// then gone: the run fails where it is not. On the virtual ground only
    #[arg(long)]
    counterfactual: bool,
    /// Folder for traces, logs, metrics, journal and reports [default: out/NAME]
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write no files
    #[arg(long, conflicts_with = "out")]
    no_out: bool,
    /// Print the record of the run as JSON in place of the report
    #[arg(long)]
    json: bool,
    /// Where to run
    #[arg(long, value_enum, value_name = "GROUND", default_value = "virtual")]
    on: GroundName,
    #[command(flatten)]
    grounds: GroundArguments,
}

impl Arguments {
    /// Whether there are several seeds, of which this process may run no more than one.
    fn is_repeated(&self) -> bool {
        self.repeat > 1 || self.shard.is_some()
    }
}

pub(crate) fn run(arguments: &Arguments) -> Exit {
    let one_by_one = arguments.json || arguments.is_repeated() || arguments.counterfactual;
    if is_suite(&arguments.files) && !one_by_one {
        return run_suite(arguments);
    }
    let files = match suite::files(&arguments.files) {
        Ok(files) => files,
        Err(failure) => {
            eprintln!("error: {}", failure.message);
            return failure.exit;
        }
    };
    let mut experiments = Vec::new();
    let mut mistaken = false;
    for file in &files {
        match Experiment::load(file, &Faults) {
            Ok(experiment) => experiments.push(experiment.scaled(arguments.grounds.phase_scale)),
            Err(errors) => {
                eprintln!("{errors}");
                mistaken = true;
            }
        }
    }
    if mistaken {
        return Exit::Usage;
    }
    let ground = match arguments.grounds.ground(arguments.on) {
        Ok(ground) => ground,
        Err(mistake) => {
            eprintln!("error: {mistake}");
            return Exit::Usage;
        }
    };
    if arguments.counterfactual && ground != Ground::Virtual {
        let ground = ground.name();
        eprintln!("error: {}", RunError::Counterfactual { ground });
        return Exit::Usage;
    }
    let mut records = Vec::new();
    let mut exit = Exit::Success;
    for experiment in &experiments {
        match run_seeds(arguments, &ground, experiment, experiments.len() > 1) {
            Ok(runs) => records.extend(runs),
            Err(failure) => {
                eprintln!("error: {}", failure.message);
                exit = exit.max(failure.exit);
            }
        }
    }
    if arguments.json {
        print_json(&records, arguments.is_repeated());
    }
    let outcomes = records.iter().map(|record| Exit::of(&record.outcome));
    outcomes.fold(exit, Exit::max)
}

fn run_suite(arguments: &Arguments) -> Exit {
    let ground = match arguments.grounds.ground(arguments.on) {
        Ok(ground) => ground,
        Err(mistake) => {
            eprintln!("error: {mistake}");
            return Exit::Usage;
        }
    };
    let out = arguments.out.as_deref().unwrap_or(Path::new("out"));
    let suite = Suite {
        paths: &arguments.files,
        seed: arguments.seed,
        out: (!arguments.no_out).then_some(out),
        phase_scale: arguments.grounds.phase_scale,
        ground: &ground,
        forward: arguments.grounds.otlp_endpoint.as_deref(),
    };
    suite.run()
}

fn run_seeds(
    arguments: &Arguments,
    ground: &Ground,
    experiment: &Experiment,
    several_files: bool,
) -> Result<Vec<RunRecord>, Failure> {
    let first_seed = arguments.seed.unwrap_or(experiment.seed);
    let folder = out_folder(arguments, experiment, several_files);
    let plan = RepeatPlan::new(experiment, first_seed, arguments.repeat)
        .with_counterfactual(arguments.counterfactual);
    let mut repeated = match &folder {
        Some(folder) if arguments.is_repeated() => Some(RepeatFolder::new(folder.clone(), plan)),
        _ => None,
    };
    let share = arguments.shard.unwrap_or(Share::WHOLE);
    let mut records = Vec::new();
    for offset in (0..arguments.repeat).filter(|offset| share.contains(*offset)) {
        let mut experiment = experiment.clone();
        experiment.seed = first_seed.wrapping_add(offset);
        let out = folder.as_ref().map(|folder| match &repeated {
            Some(_) => folder.join(seed_folder(experiment.seed)),
            None => folder.clone(),
        });
        let options = RunOptions {
            out: out.clone(),
            progress: Progress::default(),
            ground: ground.clone(),
            forward: arguments.grounds.otlp_endpoint.clone(),
            without_telemetry: arguments.grounds.without_telemetry,
            ..RunOptions::default()
        };
        let record = run_one(&experiment, &options, arguments)?;
        if !arguments.json && !arguments.is_repeated() {
            let options = terminal_options(out.as_deref());
            print!("{}", ragdoll_report::terminal(&record, &options));
        }
        if let Some(repeated) = &mut repeated {
            repeated.add(&record).map_err(Failure::environment)?;
        }
        records.push(record);
    }
    if let Some(repeated) = repeated {
        repeated.finish().map_err(Failure::environment)?;
    }
    if !arguments.json && arguments.is_repeated() {
        print!("{}", ragdoll_report::repeat_summary(&records));
    }
    Ok(records)
}

/// The folder of an experiment, which is named by it.
fn out_folder(
    arguments: &Arguments,
    experiment: &Experiment,
    several_files: bool,
) -> Option<PathBuf> {
    if arguments.no_out {
        return None;
    }
    let stem = experiment.file.file_stem().unwrap_or_default();
    Some(match &arguments.out {
        Some(folder) if several_files => folder.join(stem),
        Some(folder) => folder.clone(),
        None => Path::new("out").join(stem),
    })
}

/// Repeated runs leave nothing that depends on the machine: the parts of a run that is split over
/// several must be those of the run that is not.
fn run_one(
    experiment: &Experiment,
    options: &RunOptions,
    arguments: &Arguments,
) -> Result<RunRecord, Failure> {
    let ran = if arguments.counterfactual {
        showing_progress(experiment, options, run_counterfactual)
    } else {
        with_progress(experiment, options)
    };
    for note in options.progress.notes() {
        eprintln!("note: {note}");
    }
    let mut record = ran?;
    if arguments.is_repeated() {
        record.wall = None;
    }
    if let Some(folder) = &options.out {
        write_reports(folder, &record)?;
    }
    Ok(record)
}

/// Runs with a bar on a terminal, and without a word in a pipe.
pub(crate) fn with_progress(
    experiment: &Experiment,
    options: &RunOptions,
) -> Result<RunRecord, RunError> {
    showing_progress(experiment, options, ragdoll_deploy::run)
}

/// A way to run an experiment.
type Runner = fn(&Experiment, &RunOptions) -> Result<RunRecord, RunError>;

fn showing_progress(
    experiment: &Experiment,
    options: &RunOptions,
    run: Runner,
) -> Result<RunRecord, RunError> {
    if !std::io::stderr().is_terminal() {
        return run(experiment, options);
    }
    let length_s = experiment.duration_s().ceil() as u64;
    let bar = ProgressBar::new(length_s);
    let style =
        ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} s, {elapsed} elapsed");
    bar.set_style(style.expect("the template is constant"));
    let ground = options.ground.name();
    bar.set_prefix(format!("{ground}, seed {}", experiment.seed));
    let record = std::thread::scope(|scope| {
        let (done, finished) = mpsc::channel::<()>();
        let running = scope.spawn(move || {
            let record = run(experiment, options);
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

/// How a report is laid out on the terminal that there is.
pub(crate) fn terminal_options(out: Option<&Path>) -> TerminalOptions {
    let stdout = std::io::stdout();
    let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let columns = std::env::var("COLUMNS").ok();
    // There is no size where the output is no terminal.
    let terminal = terminal_size::terminal_size_of(stdout);
    let terminal = terminal.map(|(width, _)| usize::from(width.0));
    TerminalOptions {
        width: width(columns.as_deref(), terminal),
        colour,
        folder: out.map(|folder| folder.display().to_string()),
    }
}

/// What the reader says in `COLUMNS`, else what the terminal has.
fn width(columns: Option<&str>, terminal: Option<usize>) -> usize {
    let said = columns.and_then(|columns| columns.parse().ok());
    let room = terminal.filter(|columns| *columns > 0);
    said.unwrap_or_else(|| room.unwrap_or(PIPE_WIDTH).min(PIPE_WIDTH))
}

/// One run is an object, several are a list of them, as a share is of however many.
fn print_json(records: &[RunRecord], repeated: bool) {
    match records {
        [record] if !repeated => print!("{}", ragdoll_report::json(record)),
        records => {
            let all = serde_json::to_string_pretty(records).expect("records are plain data");
            println!("{all}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_as_wide_as_a_narrow_terminal_and_no_wider_than_a_pipe() {
        assert_eq!(width(None, None), PIPE_WIDTH);
        assert_eq!(width(None, Some(72)), 72);
        assert_eq!(width(None, Some(240)), PIPE_WIDTH);
        assert_eq!(width(Some("130"), Some(72)), 130);
        assert_eq!(width(Some("wide"), Some(72)), 72);
        assert_eq!(
            width(None, Some(0)),
            PIPE_WIDTH,
            "a terminal without a size"
        );
    }
}
