//! Why a file of telemetry cannot be read.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A part of a source that cannot be read.
#[derive(Debug, Error)]
#[error("{source_name}, {position}: {problem}")]
pub struct ReadError {
    /// What was being read, usually a path.
    pub source_name: String,
    /// Where in it, after decompression.
    pub position: Position,
    /// What is wrong there.
    pub problem: ReadProblem,
}

/// A place in a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// A line of text, from 1.
    Line(u64),
    /// A byte of a binary source, from 0.
    Byte(u64),
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Position::Line(line) => write!(f, "line {line}"),
            Position::Byte(byte) => write!(f, "byte {byte}"),
        }
    }
}

/// What is wrong with a line, or with a part of a binary source.
#[derive(Debug, Error)]
pub enum ReadProblem {
    /// The source itself failed.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not JSON, or a field has the wrong type.
    #[error("{expected} expected, but {error}")]
    Json {
        /// What a line should be.
        expected: &'static str,
        /// What the parser met.
        error: serde_json::Error,
    },
    /// A field has a value that it cannot have.
    #[error("`{field}` is `{value}`: {expected} expected")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// Not protobuf, or not the message that it should be.
    #[error("{expected} expected, but {found}")]
    Wire {
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// Text between JSON objects that belongs to none.
    #[error("a JSON object expected, but there is `{found}`")]
    Stray {
        /// How the text begins.
        found: String,
    },
    /// What was saved is a server's answer that something went wrong.
    #[error("the server answered with an error in place of telemetry: {said}")]
    ErrorAnswer {
        /// What the server said.
        said: String,
    },
    /// A JSON object or a message ends too soon.
    #[error("it ends in the middle, as when its writer was stopped")]
    Cut,
    /// A line, a JSON object or a message is too long to be held in memory.
    #[error("longer than {limit} bytes; write one batch a line, with fewer spans each")]
    TooLong {
        /// The length that is allowed.
        limit: usize,
    },
}

/// How many characters of a bad value are quoted.
const QUOTED_CHARS: usize = 80;

impl ReadProblem {
    pub(crate) fn field(field: &'static str, value: &str, expected: &'static str) -> Self {
        ReadProblem::Field {
            field,
            value: quote(value),
            expected,
        }
    }

    pub(crate) fn json(expected: &'static str) -> impl Fn(serde_json::Error) -> Self {
        move |error| ReadProblem::Json { expected, error }
    }

    /// Whether the text went wrong by coming to its end too soon.
    pub(crate) fn is_cut(&self) -> bool {
        match self {
            ReadProblem::Json { error, .. } => error.is_eof(),
            ReadProblem::Cut => true,
            _ => false,
        }
    }
}

/// The beginning of a text, so that no message is longer than a reader's patience.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Why nothing at all of an input was read.
#[derive(Debug, Error)]
pub enum InputError {
    /// It cannot be opened.
    #[error("{} cannot be opened: {source}; check the path and its permissions", path.display())]
    Open {
        /// The path that was given.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its content is in no format that is known.
    #[error("{source_name}, {position}: {found}, but {known} expected, each plain, gzip or zstd")]
    Unknown {
        /// What was being read, usually a path.
        source_name: String,
        /// Where it was seen.
        position: Position,
        /// What is there instead.
        found: String,
        /// The formats that are known.
        known: String,
    },
    /// It failed before its first byte was understood.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A folder holds no file of telemetry.
    #[error("{} holds no file of telemetry ({files} looked at); name the files themselves", path.display())]
    NothingInFolder {
        /// The folder.
        path: PathBuf,
        /// How many files were looked at.
        files: usize,
    },
}

/// Calls `read_line` with every line that is not blank, with its position added to any error.
pub(crate) fn for_each_line(
    source_name: &str,
    mut input: impl io::BufRead,
    mut read_line: impl FnMut(&str) -> Result<(), ReadProblem>,
) -> Result<(), ReadError> {
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let result = match input.read_line(&mut text) {
            Ok(0) => break,
            Ok(_) if text.trim().is_empty() => Ok(()),
            Ok(_) => read_line(text.trim_end()),
            Err(error) => Err(error.into()),
        };
        result.map_err(|problem| ReadError {
            source_name: source_name.to_owned(),
            position: Position::Line(line),
            problem,
        })?;
    }
    Ok(())
}
