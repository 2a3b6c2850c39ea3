//! Finds the cases of a folder, and loads what a method may see of one.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ragdoll_analyser::Window;
use ragdoll_trace::{Observations, Reader, TraceIndex};

use crate::case::CaseData;
use crate::error::CaseError;
use crate::expected::Expected;
use crate::folder::{CASES_FOLDER, CaseFolder, MANIFEST_FILE, Part, Signal, read_manifest};
use crate::incident::{BASELINE_TRACES_MIN, Incident, LABELS_FILE, incidents};

/// A case that can be scored.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its right answers.
    pub expected: Expected,
    source: Source,
    calls_alone: bool,
}

#[derive(Clone, Debug)]
enum Source {
    Dataset {
        folder: CaseFolder,
        before: Window,
        during: Window,
    },
    Incident(Incident),
}

/// What some folders hold.
#[derive(Debug, Default)]
pub struct Found {
    /// Cases, in the order of the folders, then of names.
    pub cases: Vec<Case>,
    /// What is wrong with those that cannot be scored.
    pub problems: Vec<CaseError>,
    /// Candidates that were left out while the data sets were made, by reason.
    pub discarded: BTreeMap<String, u64>,
    /// Whether methods see no more than spans of calls.
    pub calls_alone: bool,
}

impl Found {
    /// The same cases as a system shows them that nobody instrumented by hand: without the spans of what
    /// goes on within a service, without logs and without metrics.
    pub fn with_calls_alone(mut self) -> Found {
        self.calls_alone = true;
        for case in &mut self.cases {
            case.calls_alone = true;
        }
        self
    }
}

/// Finds the cases of some folders: data sets of `ragdoll dataset`, or labelled incidents. The truth of
/// all of them is read, their telemetry is not.
///
/// # Errors
/// Where a folder is neither, or its description cannot be read. A single case that is broken is a
/// problem of [`Found`].
pub fn find_cases(folders: &[PathBuf]) -> Result<Found, CaseError> {
    let mut found = Found::default();
    for folder in folders {
        if folder.join(MANIFEST_FILE).is_file() {
            add_dataset(folder, &mut found)?;
        } else if folder.join(LABELS_FILE).is_file() {
            let cases = incidents(folder)?.into_iter();
            found.cases.extend(cases.map(|(expected, incident)| Case {
                expected,
                source: Source::Incident(incident),
                calls_alone: false,
            }));
        } else {
            let path = folder.clone();
            return Err(CaseError::NoCases { path });
        }
    }
    Ok(found)
}

fn add_dataset(dataset: &Path, found: &mut Found) -> Result<(), CaseError> {
    let manifest = read_manifest(dataset)?;
    let folders = case_folders(&dataset.join(CASES_FOLDER))?;
    if folders.len() as u64 != manifest.cases {
        found.problems.push(CaseError::Field {
            path: dataset.join(MANIFEST_FILE),
            field: "cases".to_owned(),
            problem: format!(
                "is {}, but {} folders of cases are there",
                manifest.cases,
                folders.len()
            ),
            fix: "copy the data set again, or make it again".to_owned(),
        });
    }
    for (reason, cases) in manifest.discarded {
        *found.discarded.entry(reason).or_default() += cases;
    }
    for folder in folders {
        match folder.read_truth() {
            Ok(truth) => found.cases.push(Case {
                source: Source::Dataset {
                    folder,
                    before: truth.before.into(),
                    during: truth.during.into(),
                },
                expected: truth.into(),
                calls_alone: false,
            }),
            Err(problem) => found.problems.push(problem),
        }
    }
    Ok(())
}

fn case_folders(cases: &Path) -> Result<Vec<CaseFolder>, CaseError> {
    let unreadable = |error| CaseError::unreadable(cases, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(cases).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths.into_iter().map(CaseFolder::at).collect())
}

impl Case {
    /// Reads the case's telemetry.
    ///
    /// # Errors
    /// Names the file that is missing or broken, and what to do. A data set has to be whole; of other
    /// systems' telemetry what can be read is taken, and the rest is noted.
    pub fn load(&self) -> Result<CaseData, CaseError> {
        let case = &self.expected.case;
        match &self.source {
            Source::Dataset {
                folder,
                before,
                during,
            } => {
                let observations = self.seen(read_dataset(folder)?);
                Ok(CaseData::new(case.clone(), observations, *before, *during))
            }
            Source::Incident(incident) => {
                let (observations, [before, during], notes) = read_incident(incident)?;
                let data = CaseData::new(case.clone(), self.seen(observations), before, during);
                Ok(data.with_notes(notes))
            }
        }
    }

    /// What methods see of it.
    fn seen(&self, observations: Observations) -> Observations {
        if self.calls_alone {
            observations.calls_alone()
        } else {
            observations
        }
    }
}

/// A reader for one case: others are read at the same time.
fn reader() -> Reader {
    Reader::with_threads(NonZeroUsize::MIN)
}

fn read_dataset(folder: &CaseFolder) -> Result<Observations, CaseError> {
    let mut reader = reader();
    for part in Part::ALL {
        for signal in Signal::ALL {
            match folder.find_telemetry(part, signal) {
                Some(path) => reader.read_path(&path)?,
                None if signal == Signal::Traces => {
                    let missing = folder.telemetry_path(part, signal);
                    let error = io::ErrorKind::NotFound.into();
                    return Err(CaseError::unreadable(&missing, error));
                }
                None => {}
            }
        }
        reader.mark();
    }
    let (observations, report) = reader.finish();
    let mut faults = report.sources.into_iter().flat_map(|source| source.errors);
    match faults.next() {
        Some(error) => Err(error.into()),
        None => Ok(observations),
    }
}

/// The time before an incident and its time, with the normal traces in place of a time before it that
/// has too few.
fn read_incident(
    incident: &Incident,
) -> Result<(Observations, [Window; 2], Vec<String>), CaseError> {
    let baseline = match &incident.normal {
        Some(normal) if traces(&incident.before)? < BASELINE_TRACES_MIN => normal,
        _ => &incident.before,
    };
    let mut reader = reader();
    reader.read_path(baseline)?;
    reader.mark();
    reader.read_path(&incident.after)?;
    let (mut observations, report) = reader.finish();
    let windows = observations
        .separate(&report.mark)
        .map(|(start_ns, end_ns)| Window { start_ns, end_ns });
    Ok((observations, windows, report.notes()))
}

fn traces(path: &Path) -> Result<usize, CaseError> {
    let mut reader = reader();
    reader.read_path(path)?;
    let (observations, _) = reader.finish();
    Ok(TraceIndex::new(&observations.traces).len())
}
