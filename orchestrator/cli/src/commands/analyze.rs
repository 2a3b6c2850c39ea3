//! `ragdoll analyze`.

mod arguments;
mod latencies;
mod reading;
mod stretch;
mod windows;

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};
use ragdoll_analyser::{Analysis, Cause, Config, Prepared, Verdict, analyse, overview, waterfall};
use ragdoll_experiment::{Exemplar, WaterfallRow};
use ragdoll_report::{AnalysisRecord, analysis_html, analysis_json, analysis_terminal};

pub(crate) use arguments::Arguments;

use crate::commands::failure::Failure;
use crate::commands::run::terminal_options;
use crate::exit::Exit;
use latencies::Sample;
use windows::Windows;

const SPINNER_INTERVAL: Duration = Duration::from_millis(100);
/// Operations that a message lists where the one that was asked for does not occur.
const OPERATIONS_LISTED: usize = 5;

/// Reads, compares and prints.
pub(crate) fn analyze(arguments: &Arguments) -> Exit {
    let result = record(arguments).and_then(|record| {
        print(arguments, &record)?;
        Ok(match record.analysis.verdict {
            Verdict::NotEnoughData { .. } => Exit::Inconclusive,
            Verdict::Bottleneck(_) | Verdict::NoBottleneck { .. } => Exit::Success,
        })
    });
    result.unwrap_or_else(|failure| {
        eprintln!("error: {}", failure.message);
        failure.exit
    })
}

fn record(arguments: &Arguments) -> Result<AnalysisRecord, Failure> {
    let spinner = spinner();
    let recording = reading::read(arguments, &spinner)?;
    let spans = recording.observations.traces.spans().len();
    spinner.set_message(format!("analysing {spans} spans"));
    let prepared = Prepared::new(&recording.observations);
    let config = Config {
        root_operation: arguments.operation.clone(),
        ..Config::default()
    };
    let windows = Windows::choose(arguments, &recording, &prepared, &config)?;
    let analysis = analyse(&prepared, &windows.window, &windows.baseline, &config);
    let sample = Sample::new(&prepared, &recording.observations, &windows);
    check_operation(arguments, &analysis, &sample)?;
    let compared = analysis.operation.as_ref();
    let operation = compared
        .map(|operation| operation.name.clone())
        .or_else(|| arguments.operation.clone())
        .or_else(|| sample.operation());
    let (exemplar, causes) = exemplar(&prepared, &windows, &config, &analysis).unzip();
    let causes = causes.unwrap_or_default();
    Ok(AnalysisRecord {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        window: windows.window_record(),
        baseline: windows.baseline_record(),
        how: windows.how.clone(),
        latencies: sample.latencies(compared),
        operation,
        exemplar,
        causes,
        analysis,
        read: recording.read,
    })
}

/// Turns while there is work, says what is being done and goes when it is dropped; silent where nobody
/// looks.
fn spinner() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_finish(ProgressFinish::AndClear);
    let style = ProgressStyle::with_template("{spinner} {msg}, {elapsed}");
    spinner.set_style(style.expect("the template is constant"));
    spinner.enable_steady_tick(SPINNER_INTERVAL);
    spinner
}

/// An operation that no request has is a mistake, and not a system without requests.
fn check_operation(
    arguments: &Arguments,
    analysis: &Analysis,
    sample: &Sample,
) -> Result<(), Failure> {
    let Some(operation) = &arguments.operation else {
        return Ok(());
    };
    if analysis.traces + analysis.baseline_traces > 0 {
        return Ok(());
    }
    let all = sample.operations();
    let known: Vec<String> = all
        .iter()
        .take(OPERATIONS_LISTED)
        .map(|name| format!("`{name}`"))
        .collect();
    let more = match all.len().saturating_sub(OPERATIONS_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Err(Failure::usage(format!(
        "--operation: no root span is called `{operation}`; there are {}{more}",
        known.join(", ")
    )))
}

/// The trace that the verdict points to first, else a typical slow one; with the cause of each span
/// that owns time of the critical path.
fn exemplar(
    prepared: &Prepared<'_>,
    windows: &Windows,
    config: &Config,
    analysis: &Analysis,
) -> Option<(Exemplar, Vec<Option<Cause>>)> {
    let pointed_to = analysis
        .verdict
        .bottleneck()
        .and_then(|bottleneck| bottleneck.example_traces.first())
        .and_then(|id| u128::from_str_radix(id, 16).ok());
    let slow = || overview(prepared, &windows.window, config).slow_trace;
    let trace_id = pointed_to.or_else(slow)?;
    let rows = waterfall(prepared, trace_id);
    let causes = rows
        .iter()
        .map(|row| (row.on_critical_path_ms > 0.0).then_some(row.cause));
    let causes = causes.collect();
    let exemplar = Exemplar {
        phase: windows.name.clone(),
        trace_id: format!("{trace_id:032x}"),
        duration_ms: rows.first().map_or(0.0, |root| root.duration_ms),
        rows: rows.into_iter().map(WaterfallRow::from).collect(),
    };
    Some((exemplar, causes))
}

fn print(arguments: &Arguments, record: &AnalysisRecord) -> Result<(), Failure> {
    if arguments.json {
        print!("{}", analysis_json(record));
    } else {
        let top = usize::try_from(arguments.top).unwrap_or(usize::MAX);
        print!(
            "{}",
            analysis_terminal(record, &terminal_options(None), top)
        );
    }
    let Some(path) = &arguments.html else {
        return Ok(());
    };
    std::fs::write(path, analysis_html(record)).map_err(|error| Failure {
        exit: Exit::Environment,
        message: format!(
            "{} cannot be written: {error}; choose another file with --html",
            path.display()
        ),
    })?;
    eprintln!("The page is in {}.", path.display());
    Ok(())
}
