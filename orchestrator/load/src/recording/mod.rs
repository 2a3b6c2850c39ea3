//! Recorded arrivals: when the requests of a real service came, and how large they were.

mod azure;
mod error;
mod line;
mod mooncake;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use ragdoll_model::workload::RecordedFormat;

pub use error::{RecordingError, RecordingProblem};
use line::{Line, LineProblem};

/// One recorded request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Microseconds since the first request of the file, or since the start of the window.
    pub at_us: u64,
    /// Tokens of the whole prompt, at least 1.
    pub prompt_tokens: u32,
    /// Tokens of the answer, at least 1: what a file gives as 0 counts as 1.
    pub output_tokens: u32,
    /// Blocks of the prompt in their order, where the file names them: requests that begin with
    /// the same blocks begin with the same tokens.
    pub prefix_ids: Box<[u64]>,
}

/// The requests of a recording, in the order of their times; those of the same time stay in the
/// order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    file: PathBuf,
    requests: Vec<Recorded>,
    out_of_order: u64,
}

impl Recording {
    /// Reads a file; one whose name ends in `.gz` is decompressed.
    pub fn open(path: &Path, format: RecordedFormat) -> Result<Recording, RecordingError> {
        let input = File::open(path).map_err(|error| RecordingError {
            file: path.to_owned(),
            line: None,
            problem: error.into(),
        })?;
        Recording::read(path, input, format)
    }

    /// Reads what `file` would contain. The name says whether it is compressed, and is what errors
    /// refer to.
    pub fn read(
        file: &Path,
        input: impl Read,
        format: RecordedFormat,
    ) -> Result<Recording, RecordingError> {
        let lines = if file.extension() == Some(OsStr::new("gz")) {
            read_lines(MultiGzDecoder::new(BufReader::new(input)), format)
        } else {
            read_lines(input, format)
        };
        let lines = lines.and_then(|lines| match lines.is_empty() {
            true => Err((None, RecordingProblem::Empty)),
            false => Ok(lines),
        });
        match lines {
            Ok(lines) => Ok(Recording::from_lines(file, lines)),
            Err((line, problem)) => Err(RecordingError {
                file: file.to_owned(),
                line,
                problem,
            }),
        }
    }

    fn from_lines(file: &Path, mut lines: Vec<Line>) -> Recording {
        let mut latest_us = i64::MIN;
        let mut out_of_order = 0;
        for line in &lines {
            out_of_order += u64::from(line.time_us < latest_us);
            latest_us = latest_us.max(line.time_us);
        }
        lines.sort_by_key(|line| line.time_us);
        let first_us = lines.first().map_or(0, |line| line.time_us);
        let requests = lines
            .into_iter()
            .map(|line| Recorded {
                at_us: line.time_us.abs_diff(first_us),
                prompt_tokens: line.prompt_tokens.max(1),
                output_tokens: line.output_tokens.max(1),
                prefix_ids: line.prefix_ids,
            })
            .collect();
        Recording {
            file: file.to_owned(),
            requests,
            out_of_order,
        }
    }

    /// The requests of a window of the recording, played `speed` times as fast as recorded. The
    /// window is in seconds of the recording, from its start up to but not including its end, and
    /// the result counts from the window's start.
    pub fn replay(
        &self,
        window: Option<[f64; 2]>,
        speed: f64,
    ) -> Result<Recording, RecordingError> {
        let [from_s, to_s] = window.unwrap_or([0.0, f64::INFINITY]);
        let error = |problem| RecordingError {
            file: self.file.clone(),
            line: None,
            problem,
        };
        if !(speed.is_finite() && speed > 0.0) {
            return Err(error(RecordingProblem::Speed { speed }));
        }
        if !(from_s >= 0.0 && from_s < to_s) {
            return Err(error(RecordingProblem::Window { from_s, to_s }));
        }
        let to_us = |seconds: f64| libm::round(seconds * 1e6) as u64;
        let from_us = to_us(from_s);
        let first = self.requests.partition_point(|r| r.at_us < from_us);
        let last = self.requests.partition_point(|r| r.at_us < to_us(to_s));
        if first == last {
            return Err(error(RecordingProblem::EmptyWindow {
                from_s,
                to_s,
                length_s: self.length_us() as f64 / 1e6,
            }));
        }
        let requests = self.requests[first..last]
            .iter()
            .map(|recorded| Recorded {
                at_us: libm::round((recorded.at_us - from_us) as f64 / speed) as u64,
                ..recorded.clone()
            })
            .collect();
        Ok(Recording {
            file: self.file.clone(),
            requests,
            out_of_order: self.out_of_order,
        })
    }

    /// The requests, by time.
    pub fn requests(&self) -> &[Recorded] {
        &self.requests
    }

    /// Time of the last request, in microseconds.
    pub fn length_us(&self) -> u64 {
        self.requests.last().map_or(0, |recorded| recorded.at_us)
    }

    /// How many lines of the file have an earlier time than a line above them.
    pub fn out_of_order(&self) -> u64 {
        self.out_of_order
    }

    /// The file it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

fn read_lines(input: impl Read, format: RecordedFormat) -> Result<Vec<Line>, LineProblem> {
    match format {
        RecordedFormat::AzureCsv => azure::read(input),
        RecordedFormat::MooncakeJsonl => mooncake::read(BufReader::new(input)),
    }
}
