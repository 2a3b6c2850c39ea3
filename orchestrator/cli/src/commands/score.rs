//! `ragdoll score`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use indicatif::{ProgressBar, ProgressStyle};
use ragdoll_analyser::Config;
use ragdoll_deploy::{cores, side_by_side};
use ragdoll_score::{
    Answered, CaseError, Found, METHOD_NAMES, Method, Report, answer, find_cases, methods,
    most_frequent_cause, text,
};

use crate::exit::Exit;

/// What to score and how.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Folders that `ragdoll dataset` wrote, or folders of labelled incidents (`labels.json`)
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,
    /// Methods to score, the most interesting first: of that one the mistakes are told [default: all]
    #[arg(long, value_name = "METHOD", value_delimiter = ',', value_parser = PossibleValuesParser::new(METHOD_NAMES))]
    methods: Vec<String>,
    /// Cases that are worked on at the same time, which changes no result [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
    /// Print the result as JSON in place of tables
    #[arg(long)]
    json: bool,
    /// Write the result as JSON to this file too
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show the methods spans of calls alone, as a system has them that nobody instrumented by hand:
    /// nothing of what goes on within a service, no logs and no metrics
    #[arg(long)]
    calls_alone: bool,
    /// List every case that the first method got wrong, with what is true and what it said
    #[arg(long)]
    list_wrong: bool,
}

/// Scores all cases and prints the result. A case that is broken is said, and the others count.
pub(crate) fn score(arguments: &Arguments) -> Exit {
    let found = match find_cases(&arguments.folders) {
        Ok(found) if arguments.calls_alone => found.with_calls_alone(),
        Ok(found) => found,
        Err(error) => {
            eprintln!("error: {error}");
            return exit_of(&error);
        }
    };
    let naive_cause = most_frequent_cause(found.cases.iter().map(|case| &case.expected));
    let methods = chosen(&arguments.methods, methods(Config::default(), naive_cause));
    let results = answers(arguments, &found, &methods);
    let report = Report::new(
        &found,
        &methods,
        naive_cause,
        &results,
        arguments.list_wrong,
    );
    for problem in &report.problems {
        eprintln!("not scored: {problem}");
    }
    if report.cases.total() == 0 {
        eprintln!("error: there is no case that can be scored");
        return Exit::Usage;
    }
    print_report(arguments, &report)
}

fn exit_of(error: &CaseError) -> Exit {
    match error {
        CaseError::Unreadable { .. } | CaseError::Unwritable { .. } => Exit::Environment,
        _ => Exit::Usage,
    }
}

/// The methods of these names, in their order; all of them where there are no names.
fn chosen(names: &[String], mut all: Vec<Box<dyn Method>>) -> Vec<Box<dyn Method>> {
    if names.is_empty() {
        return all;
    }
    let mut chosen = Vec::new();
    for name in names {
        let position = all.iter().position(|method| method.name() == name);
        chosen.extend(position.map(|position| all.remove(position)));
    }
    chosen
}

fn answers(
    arguments: &Arguments,
    found: &Found,
    methods: &[Box<dyn Method>],
) -> Vec<Result<Answered, CaseError>> {
    let bar = progress_bar(found.cases.len());
    let jobs = arguments.jobs.map_or_else(cores, |jobs| jobs as usize);
    let results = side_by_side(jobs, &found.cases, |case| {
        let result = answer(case, methods);
        bar.inc(1);
        result
    });
    bar.finish_and_clear();
    results
}

fn progress_bar(length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} cases, {elapsed} elapsed");
    bar.set_style(style.expect("the template is constant"));
    bar
}

fn print_report(arguments: &Arguments, report: &Report) -> Exit {
    let mut json = serde_json::to_string_pretty(report).expect("the report is plain data");
    json.push('\n');
    if arguments.json {
        print!("{json}");
    } else {
        print!("{}", text(report));
    }
    if let Some(path) = &arguments.out
        && let Err(error) = std::fs::write(path, json)
    {
        let path = path.display();
        eprintln!("error: {path}: cannot be written: {error}; choose another with --out");
        return Exit::Environment;
    }
    Exit::Success
}
