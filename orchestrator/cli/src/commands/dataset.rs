//! `ragdoll dataset`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use ragdoll_dataset::{DatasetError, Options, Shard, Summary, generate};
use ragdoll_deploy::cores;

use crate::commands::count;
use crate::exit::Exit;
use crate::share::Share;

/// What to make.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Cases of the whole data set
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    cases: u64,
    /// Seed from which all cases follow
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the data set; must be empty where it exists
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
    /// Make only share I of N of the cases, counted from 0: case I and every N-th after it. Shares
    /// with the same number of cases and seed are the whole together
    #[arg(long, value_name = "I/N")]
    shard: Option<Share>,
    /// Cases that are made at the same time, which changes no file [default: one a core]
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u64).range(1..=1024))]
    jobs: Option<u64>,
}

/// Makes labelled cases and says what they are about.
pub(crate) fn dataset(arguments: &Arguments) -> Exit {
    let (index, of) = arguments.shard.unwrap_or(Share::WHOLE).parts();
    let options = Options {
        cases: arguments.cases,
        seed: arguments.seed,
        out: arguments.out.clone(),
        shard: Shard { index, count: of },
        jobs: arguments.jobs.map_or_else(cores, |jobs| jobs as usize),
    };
    let share = (0..arguments.cases).filter(|number| number % of == index);
    let bar = progress_bar(share.count() as u64);
    let made = generate(&options, || bar.inc(1));
    bar.finish_and_clear();
    match made {
        Ok(summary) => {
            print_summary(arguments, &summary);
            Exit::Success
        }
        Err(error) => {
            eprintln!("error: {error}");
            match error {
                DatasetError::NotEmpty { .. } | DatasetError::NoSuchShard { .. } => Exit::Usage,
                _ => Exit::Environment,
            }
        }
    }
}

fn progress_bar(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    let template = "{wide_bar} {pos}/{len} cases, {elapsed} elapsed, {eta} left";
    bar.set_style(ProgressStyle::with_template(template).expect("the template is constant"));
    bar
}

fn print_summary(arguments: &Arguments, summary: &Summary) {
    let cases = count(summary.manifest.cases as usize, "case");
    println!("{cases} in {}", arguments.out.display());
    for (kind, number) in &summary.by_kind {
        println!("  {number:>6}  {kind}");
    }
    let discarded: u64 = summary.manifest.discarded.values().sum();
    if discarded > 0 {
        let candidates = count(discarded as usize, "candidate");
        println!("{candidates} left out:");
    }
    for (reason, number) in &summary.manifest.discarded {
        println!("  {number:>6}  {reason}");
    }
}
