//! From paths to one recording, the baseline first.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use ragdoll_report::{ReadRecord, SourceRecord};
use ragdoll_trace::{
    Compression, Mark, Observations, ReadReport, Reader, SourceReport, Thinned, ThinnedKind,
};

use super::arguments::Arguments;
use crate::commands::count;
use crate::commands::failure::Failure;
use crate::exit::Exit;

/// When the spans of a part begin: from the first start to just behind the last, and by how much the
/// part was moved in time, all in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) moved_ns: i128,
}

/// All that was read.
pub(super) struct Recording {
    pub(super) observations: Observations,
    pub(super) read: ReadRecord,
    /// What is to be explained, or a window of it.
    pub(super) traces: Part,
    /// What was given as the baseline.
    pub(super) baseline: Option<Part>,
}

/// Reads every path of the command line. One that cannot be read is said, and the others count.
pub(super) fn read(arguments: &Arguments, spinner: &ProgressBar) -> Result<Recording, Failure> {
    check_standard_input(arguments)?;
    let mut input = Input::new(arguments, spinner);
    input.read(&arguments.baseline);
    input.reader.mark();
    let unread_baseline = input.failures.len();
    for paths in [&arguments.traces, &arguments.metrics, &arguments.logs] {
        input.read(paths);
    }
    let Input {
        reader, failures, ..
    } = input;
    let (mut observations, report) = reader.finish();
    let mark = report.mark;
    let spans = observations.traces.spans().len();
    if spans == mark.spans {
        return Err(nothing(
            &arguments.traces,
            &failures[unread_baseline..],
            &report,
        ));
    }
    if mark.spans == 0 && !arguments.baseline.is_empty() {
        return Err(nothing(
            &arguments.baseline,
            &failures[..unread_baseline],
            &report,
        ));
    }
    for failure in &failures {
        spinner.suspend(|| eprintln!("warning: {failure}"));
    }
    let read = ReadRecord {
        sources: sources(&report),
        notes: report.notes(),
        trace_share: report.thinned.get(&ThinnedKind::Spans).map(Thinned::share),
    };
    let (traces, baseline) = parts(&mut observations, &mark, !arguments.baseline.is_empty());
    Ok(Recording {
        observations,
        read,
        traces,
        baseline,
    })
}

/// The reader with what went wrong so far.
struct Input<'a> {
    reader: Reader,
    failures: Vec<String>,
    spinner: &'a ProgressBar,
    done: usize,
    all: usize,
}

impl<'a> Input<'a> {
    fn new(arguments: &Arguments, spinner: &'a ProgressBar) -> Self {
        let lists = [
            &arguments.baseline,
            &arguments.traces,
            &arguments.metrics,
            &arguments.logs,
        ];
        Input {
            reader: Reader::new().hold_at_most(arguments.max_spans()),
            failures: Vec::new(),
            spinner,
            done: 0,
            all: lists.iter().map(|list| list.len()).sum(),
        }
    }

    fn read(&mut self, paths: &[PathBuf]) {
        for path in paths {
            self.done += 1;
            let name = path.display();
            let message = format!("reading {name} ({} of {})", self.done, self.all);
            self.spinner.set_message(message);
            if let Err(error) = self.reader.read_path(path) {
                self.failures.push(error.to_string());
            }
        }
    }
}

fn check_standard_input(arguments: &Arguments) -> Result<(), Failure> {
    let lists = [
        &arguments.traces,
        &arguments.baseline,
        &arguments.metrics,
        &arguments.logs,
    ];
    let paths = lists.into_iter().flatten();
    let times = paths
        .filter(|path| path.as_path() == Path::new("-"))
        .count();
    if times <= 1 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`-` is given {times} times, but standard input can be read once; write one of them to a file"
    )))
}

/// Nothing of a part was read, for reasons that the reader or its report have told.
fn nothing(paths: &[PathBuf], failures: &[String], report: &ReadReport) -> Failure {
    let names: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let reasons = match failures {
        [] => {
            let about = |note: &String| names.iter().any(|name| note.contains(name.as_str()));
            let thinned = report.thinned_notes();
            let others = report.notes().into_iter().filter(about);
            thinned.into_iter().chain(others).collect()
        }
        failures => failures.to_vec(),
    };
    let mut message = format!("there is no span in {}", names.join(", "));
    for reason in reasons {
        message.push_str(&format!("\n  {}", reason.trim_end_matches('.')));
    }
    let is_thinned = report.thinned.contains_key(&ThinnedKind::Spans);
    if is_thinned {
        message.push_str("\n  raise --max-spans, or give a shorter part of the recording");
    } else if failures.is_empty() {
        message.push_str("\n  give the files that hold the traces");
    }
    Failure {
        exit: Exit::Environment,
        message,
    }
}

/// What the report says of each source. Those of the baseline were read first.
fn sources(report: &ReadReport) -> Vec<SourceRecord> {
    let sources = report.sources.iter().enumerate();
    sources
        .map(|(at, source)| source_record(source, at < report.mark.sources))
        .collect()
}

fn source_record(source: &SourceReport, baseline: bool) -> SourceRecord {
    let packed = source.compression != Compression::None;
    SourceRecord {
        name: source.name.clone(),
        baseline,
        format: source.format.map(|format| format.to_string()),
        compression: packed.then(|| source.compression.to_string()),
        bytes: source.bytes,
        spans: source.spans,
        log_events: source.log_events,
        metric_points: source.metric_points,
        repaired: by_name(&source.repaired),
        dropped: by_name(&source.dropped),
        skipped: source.skipped.clone(),
    }
}

fn by_name<K: Display>(counts: &BTreeMap<K, u64>) -> BTreeMap<String, u64> {
    let named = counts
        .iter()
        .map(|(kind, number)| (kind.to_string(), *number));
    named.collect()
}

/// When each part is. A baseline of its own is moved in time where it does not end before the rest
/// begins.
fn parts(observations: &mut Observations, mark: &Mark, has_baseline: bool) -> (Part, Option<Part>) {
    let starts = |observations: &Observations| {
        let (before, rest) = observations.traces.spans().split_at(mark.spans);
        [before, rest].map(|spans| {
            let starts = spans.iter().map(|span| span.start_ns);
            let bounds = starts.clone().min().zip(starts.max());
            bounds.map_or((0, 0), |(first, last)| (first, last.saturating_add(1)))
        })
    };
    let read = starts(observations);
    let placed = if has_baseline {
        observations.separate(mark)
    } else {
        read
    };
    let part = |at: usize| Part {
        start_ns: placed[at].0,
        end_ns: placed[at].1,
        moved_ns: i128::from(placed[at].0) - i128::from(read[at].0),
    };
    (part(1), has_baseline.then(|| part(0)))
}

/// Characters of a part's name at most: it stands in sentences and above columns.
const LABEL_MAX: usize = 24;

/// What the files of a part are called together: a file by its name without endings.
pub(super) fn label(paths: &[PathBuf]) -> String {
    let [path] = paths else {
        return count(paths.len(), "source");
    };
    if path == Path::new("-") {
        return "standard input".to_owned();
    }
    let name = path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    );
    let stem = name.split('.').next().filter(|stem| !stem.is_empty());
    let label = stem.unwrap_or(&name);
    match label.char_indices().nth(LABEL_MAX) {
        Some(_) => label.chars().take(LABEL_MAX - 1).chain(['…']).collect(),
        None => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_called_by_its_only_file_or_by_how_many_there_are() {
        let of = |paths: &[&str]| label(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(of(&["runs/after.otlp.jsonl.gz"]), "after");
        assert_eq!(of(&["runs/incident/"]), "incident");
        assert_eq!(of(&["-"]), "standard input");
        assert_eq!(of(&[".hidden"]), ".hidden");
        assert_eq!(of(&["a.json", "b.json"]), "2 sources");
        assert_eq!(
            of(&["a_name_that_nobody_would_want_to_read.json"])
                .chars()
                .count(),
            24
        );
    }
}
