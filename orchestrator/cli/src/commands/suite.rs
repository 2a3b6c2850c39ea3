//! Several experiments of one call: those of a folder and of the folders within it, or several files.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use ragdoll_deploy::{Ground, Progress, RunOptions, cores, side_by_side};
use ragdoll_experiment::{Experiment, Outcome, RunRecord};
use ragdoll_fault_layers::Faults;

use crate::commands::count;
use crate::commands::failure::Failure;
use crate::commands::reports::write_reports;
use crate::exit::Exit;

/// How deep folders are searched.
const DEEPEST: usize = 8;

/// Several experiments, and how to run each of them.
pub(crate) struct Suite<'a> {
    /// Files, and folders of files.
    pub(crate) paths: &'a [PathBuf],
    /// Seed in place of the files' own.
    pub(crate) seed: Option<u64>,
    /// Folder for what the runs leave; nothing is written without one.
    pub(crate) out: Option<&'a Path>,
    /// Factor on the length of all phases.
    pub(crate) phase_scale: f64,
    pub(crate) ground: &'a Ground,
    /// Where telemetry is forwarded to on a real ground.
    pub(crate) forward: Option<&'a str>,
}

/// A file of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    file: PathBuf,
    /// Where its files go within the folder of all, such as `faults/crash`.
    name: PathBuf,
}

/// Whether these paths are more than one experiment.
pub(crate) fn is_suite(paths: &[PathBuf]) -> bool {
    paths.len() > 1 || paths.iter().any(|path| path.is_dir())
}

impl Suite<'_> {
    /// Runs all of them, each on a core of its own where time is virtual, and prints a line for each.
    /// The worst of them decides.
    pub(crate) fn run(&self) -> Exit {
        let members = match members(self.paths) {
            Ok(members) => members,
            Err(failure) => {
                eprintln!("error: {}", failure.message);
                return failure.exit;
            }
        };
        let mut experiments = Vec::new();
        let mut mistaken = false;
        for member in &members {
            match Experiment::load(&member.file, &Faults) {
                Ok(experiment) => experiments.push((member, experiment.scaled(self.phase_scale))),
                Err(errors) => {
                    eprintln!("{errors}");
                    mistaken = true;
                }
            }
        }
        if mistaken {
            return Exit::Usage;
        }
        let ended = self.run_all(&experiments);
        let widest = members.iter().map(|member| member.name.as_os_str().len());
        let width = widest.max().unwrap_or(0);
        let mut exit = Exit::Success;
        for (member, ended) in members.iter().zip(&ended) {
            exit = exit.max(report(&member.name, width, ended));
        }
        let as_expected = ended.iter().filter(|ended| is_passed(ended)).count();
        println!(
            "{as_expected} of {} ended as expected",
            count(ended.len(), "experiment")
        );
        exit
    }

    fn run_all(&self, experiments: &[(&Member, Experiment)]) -> Vec<Result<RunRecord, Failure>> {
        let bar = progress_bar(experiments.len());
        let ended = side_by_side(self.workers(), experiments, |(member, experiment)| {
            let result = self.run_one(member, experiment);
            bar.inc(1);
            result
        });
        bar.finish_and_clear();
        ended
    }

    /// Real time is shared by all, so there one run goes after the other.
    fn workers(&self) -> usize {
        match self.ground {
            Ground::Virtual => cores(),
            _ => 1,
        }
    }

    fn run_one(&self, member: &Member, experiment: &Experiment) -> Result<RunRecord, Failure> {
        let mut experiment = experiment.clone();
        experiment.seed = self.seed.unwrap_or(experiment.seed);
        let options = RunOptions {
            out: self.out.map(|out| out.join(&member.name)),
            progress: Progress::default(),
            ground: self.ground.clone(),
            forward: self.forward.map(str::to_owned),
            without_telemetry: false,
            ..RunOptions::default()
        };
        let record = ragdoll_deploy::run(&experiment, &options)?;
        if let Some(folder) = &options.out {
            write_reports(folder, &record)?;
        }
        Ok(record)
    }
}

fn progress_bar(length: usize) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length as u64);
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {elapsed} elapsed");
    bar.set_style(style.expect("the template is constant"));
    bar
}

fn is_passed(ended: &Result<RunRecord, Failure>) -> bool {
    ended
        .as_ref()
        .is_ok_and(|record| record.outcome == Outcome::Passed)
}

/// Prints how one of them ended, and where it did not end as expected, why.
fn report(name: &Path, width: usize, ended: &Result<RunRecord, Failure>) -> Exit {
    let record = match ended {
        Ok(record) => record,
        Err(failure) => {
            println!("{:<12}  {}", "NOT RUN", name.display());
            eprintln!("error: {}: {}", name.display(), failure.message);
            return failure.exit;
        }
    };
    let (outcome, reasons) = match &record.outcome {
        Outcome::Passed => ("PASSED", Vec::new()),
        Outcome::Failed => {
            let failed = record.expectations.iter().filter(|one| !one.held);
            let failed = failed.map(|one| format!("{}: found {}", one.text, one.found));
            ("FAILED", failed.collect())
        }
        Outcome::Inconclusive { reasons } => ("INCONCLUSIVE", reasons.clone()),
    };
    let name = name.display().to_string();
    println!("{outcome:<12}  {name:<width$}  {}", record.title);
    for reason in reasons {
        println!("{:14}{reason}", "");
    }
    Exit::of(&record.outcome)
}

/// Every experiment that the paths name, in their order; those of a folder in the order of names.
fn members(paths: &[PathBuf]) -> Result<Vec<Member>, Failure> {
    let mut members = Vec::new();
    for path in paths {
        let before = members.len();
        if path.is_dir() {
            let name = path.canonicalize().ok();
            let name = name.as_deref().and_then(Path::file_name);
            let name = PathBuf::from(name.unwrap_or_default());
            add_folder(path, &name, DEEPEST, &mut members)?;
        } else {
            let name = PathBuf::from(path.file_stem().unwrap_or_default());
            let file = path.clone();
            members.push(Member { file, name });
        }
        if members.len() == before {
            return Err(Failure {
                exit: Exit::Usage,
                message: format!("the folder {} holds no experiment", path.display()),
            });
        }
    }
    Ok(members)
}

/// The files that the paths name.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let members = members(paths)?;
    Ok(members.into_iter().map(|member| member.file).collect())
}

fn add_folder(
    folder: &Path,
    name: &Path,
    depth: usize,
    members: &mut Vec<Member>,
) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| Failure {
        exit: Exit::Environment,
        message: format!("cannot read the folder {}: {error}", folder.display()),
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.sort();
    for path in paths {
        let stem = path.file_stem().unwrap_or_default();
        let is_toml = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        if path.is_dir() && depth > 0 {
            add_folder(&path, &name.join(stem), depth - 1, members)?;
        } else if is_toml && stem != "Cargo" {
            members.push(Member {
                name: name.join(stem),
                file: path,
            });
        }
    }
    Ok(())
}
