//! Reading of telemetry of any system: whatever format a source's content turns out to be in, with
//! what is broken in it put right or left out, and counted.

mod binary;
mod chunks;
mod detect;
mod folder;
mod held;
mod ids;
mod input;
mod limits;
mod merge;
mod parallel;
mod records;
mod report;
mod request;
mod separate;
mod split;
#[cfg(test)]
mod tests;
mod thinned;
mod thinning;
#[cfg(test)]
mod thinning_tests;

use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;

use crate::formats::format_names;
use crate::oddities::Tally;
use crate::part::Part;
use crate::read_error::{InputError, Position, ReadError, ReadProblem};
use crate::set::Observations;
use chunks::Chunks;
use held::{Bounds, Held};
use input::Input;
use limits::Limits;

pub use report::{Compression, ReadReport, SourceReport};
pub use request::OtlpRequest;
pub use separate::Mark;
pub use thinned::{Thinned, ThinnedKind};

/// Reads any number of inputs into one [`Observations`].
///
/// Formats (see [`format_names`](crate::format_names)) are told apart by their content, plain or
/// compressed by gzip or zstd. A part that cannot be
/// understood is left out and counted; the rest is read. Text is read a chunk at a time, on as many
/// threads as there are processors; the result does not depend on their number.
///
/// However much is read, no more than [`Reader::SPANS_HELD`] spans, or what [`Reader::hold_at_most`]
/// says, are in memory at once besides those of the few chunks under way. Where there are more, one
/// trace in two is let go, then one in two of the others, and so on: a trace is held, with all its
/// spans, exactly when a hash of its id is below a bound, which is the same for all sources. So what
/// is held in the end depends neither on the order of reading nor on how spans are spread over
/// sources. The [`ReadReport`] and [`TraceSet::trace_share`](crate::TraceSet::trace_share) say the
/// share.
#[derive(Debug)]
pub struct Reader {
    threads: NonZeroUsize,
    limits: Limits,
    held: Held,
    report: ReadReport,
}

impl Default for Reader {
    fn default() -> Self {
        Reader::new()
    }
}

/// More threads than this cannot be fed by the one that decompresses.
const MAX_THREADS: usize = 8;

const BOUNDS: Bounds = Bounds {
    spans: Reader::SPANS_HELD,
    log_events: 2_000_000,
    warnings: 2_000_000,
    metric_points: 4_000_000,
};

impl Reader {
    /// Spans that are held at most where nothing else is said.
    pub const SPANS_HELD: usize = 4_000_000;

    /// A reader that uses all processors.
    pub fn new() -> Self {
        let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        Reader::with_threads(processors)
    }

    /// A reader that uses this many threads besides the caller's, or none at all for 1.
    pub fn with_threads(threads: NonZeroUsize) -> Self {
        Reader {
            threads: threads.min(const { NonZeroUsize::new(MAX_THREADS).unwrap() }),
            limits: Limits::default(),
            held: Held::new(BOUNDS),
            report: ReadReport::default(),
        }
    }

    /// The same reader, which has read nothing yet, with another limit of spans.
    pub fn hold_at_most(self, spans: NonZeroUsize) -> Self {
        let spans = spans.get();
        Reader {
            held: Held::new(Bounds { spans, ..BOUNDS }),
            ..self
        }
    }

    /// Reads a file, a folder or, for `-`, standard input. The files of a folder are read in the
    /// order of their names, those of its subfolders among them; hidden files and those in no known
    /// format are skipped, and reported as such.
    ///
    /// # Errors
    /// Where nothing at all was read, since it cannot be opened or is in no format that is known.
    /// The report names it as well, so that the other inputs may still be read. An empty file is no
    /// error.
    pub fn read_path(&mut self, path: &Path) -> Result<(), InputError> {
        if path == Path::new("-") {
            return self.read("standard input", std::io::stdin().lock());
        }
        if path.is_dir() {
            return self.read_folder(path);
        }
        self.read_file(path)
    }

    fn read_file(&mut self, path: &Path) -> Result<(), InputError> {
        match File::open(path) {
            Ok(file) => self.read(&path.display().to_string(), file),
            Err(source) => {
                self.skip(path, format!("it cannot be opened: {source}"));
                Err(InputError::Open {
                    path: path.to_owned(),
                    source,
                })
            }
        }
    }

    fn skip(&mut self, path: &Path, why: String) {
        self.report.sources.push(SourceReport {
            name: path.display().to_string(),
            skipped: Some(why),
            ..SourceReport::default()
        });
    }

    /// Reads the bytes of one source. Format and compression are found from the content;
    /// `source_name` is what the report and errors call it.
    ///
    /// # Errors
    /// As those of [`Reader::read_path`]. A source that fails after its first bytes is read as far
    /// as it goes, and the report says so.
    pub fn read(&mut self, source_name: &str, source: impl Read) -> Result<(), InputError> {
        let mut input = Input::new(source);
        let mut report = SourceReport {
            name: source_name.to_owned(),
            compression: input.compression,
            ..SourceReport::default()
        };
        let result = match (input.head().is_empty(), input.failure.take()) {
            (true, None) => Ok(()),
            (true, Some(error)) => {
                report.skipped = Some(format!("it cannot be read: {error}"));
                let position = Position::Byte(0);
                let error = read_error(source_name, position, error.into());
                Err(InputError::Read(error))
            }
            (false, failure) => {
                input.failure = failure;
                self.read_input(&mut input, &mut report)
            }
        };
        report.bytes = input.bytes;
        self.report.sources.push(report);
        result
    }

    fn read_input(
        &mut self,
        input: &mut Input<'_>,
        report: &mut SourceReport,
    ) -> Result<(), InputError> {
        let (format, shape) = detect::detect(input.head()).map_err(|(position, found)| {
            report.skipped = Some(format!("{found}, which is in no format that is known"));
            InputError::Unknown {
                source_name: report.name.clone(),
                position,
                found,
                known: format_names(),
            }
        })?;
        report.format = Some(format.name());
        let limits = self.limits;
        let mut tally = Tally::default();
        let before = self.held.read();
        let mut chunks = Chunks::new(input, shape, limits);
        parallel::in_order(
            self.threads,
            || chunks.next(),
            |chunk| records::read_chunk(format, chunk, limits),
            |part| {
                let Part {
                    seen,
                    tally: found,
                    faults,
                    fault_count,
                    ..
                } = part;
                tally.add(&found);
                report.error_count += fault_count;
                let room = SourceReport::MAX_ERRORS.saturating_sub(report.errors.len());
                let faults = faults.into_iter().take(room);
                report.errors.extend(
                    faults.map(|(position, problem)| read_error(&report.name, position, problem)),
                );
                self.held.append(seen, &mut tally);
            },
        );
        let end = chunks.position();
        if let Position::Line(next) = end {
            report.lines = next - 1;
        }
        if let Some(error) = input.failure.take() {
            report.error_count += 1;
            // It says why the rest is missing, so it is kept even where there is no more room.
            report.errors.truncate(SourceReport::MAX_ERRORS - 1);
            report
                .errors
                .push(read_error(&report.name, end, error.into()));
        }
        let read = self.held.read();
        report.spans = read.spans - before.spans;
        report.log_events = read.log_events + read.warnings - before.log_events - before.warnings;
        report.metric_points = read.metric_points - before.metric_points;
        report.repaired = tally.repairs().collect();
        report.dropped = tally.drops().collect();
        Ok(())
    }

    /// Begins another part: a span of it is no duplicate of one that was read before.
    /// [`ReadReport::mark`] says where the last part begins.
    pub fn mark(&mut self) {
        self.held.mark(self.report.sources.len());
    }

    /// What is held of what was read, and what is to be said about it.
    pub fn finish(self) -> (Observations, ReadReport) {
        let (seen, mark, thinned) = self.held.finish();
        let report = ReadReport {
            mark,
            thinned: thinned.into_iter().collect(),
            ..self.report
        };
        (seen, report)
    }
}

fn read_error(source_name: &str, position: Position, problem: ReadProblem) -> ReadError {
    ReadError {
        source_name: source_name.to_owned(),
        position,
        problem,
    }
}
