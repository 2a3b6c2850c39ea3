//! Why a recording cannot be replayed.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// A recording that cannot be read or replayed.
#[derive(Debug, Error)]
pub struct RecordingError {
    /// The recording.
    pub file: PathBuf,
    /// Line, from 1, where the problem is in one.
    pub line: Option<u64>,
    /// What is wrong.
    pub problem: RecordingProblem,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// What is wrong with a recording.
#[derive(Debug, Error)]
pub enum RecordingProblem {
    /// The file itself failed.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// There is no request in it.
    #[error("holds no request")]
    Empty,
    /// The text is in no known encoding.
    #[error("is not UTF-8 text; is the file compressed, with a name that does not end in .gz?")]
    NotText,
    /// A column of the CSV format is missing from the header.
    #[error(
        "no column `{column}` in the header `{header}`; `format = \"azure_csv\"` expects the \
         columns TIMESTAMP, ContextTokens and GeneratedTokens"
    )]
    NoColumn {
        /// The missing column.
        column: &'static str,
        /// The header.
        header: String,
    },
    /// A line that is not the JSON object it should be.
    #[error(
        "is not a JSON object{}; `format = \"mooncake_jsonl\"` expects one in each line",
        at_column(.column)
    )]
    NotAnObject {
        /// Where JSON ends to make sense, from 1.
        column: Option<usize>,
    },
    /// A field is missing from a line.
    #[error("no `{field}`")]
    NoField {
        /// The missing field.
        field: &'static str,
    },
    /// A field has a value that it cannot have.
    #[error("`{field}` is `{found}`: {expected} expected")]
    BadField {
        /// The field.
        field: &'static str,
        /// What it holds.
        found: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The window is not one.
    #[error(
        "`window` is [{from_s}, {to_s}]: two numbers of seconds expected, the first at least 0 and \
         the second above the first"
    )]
    Window {
        /// Start in seconds.
        from_s: f64,
        /// End in seconds.
        to_s: f64,
    },
    /// No request lies within the window.
    #[error(
        "no request in `window` [{from_s}, {to_s}]; the last request is at {length_s} s from the \
         start"
    )]
    EmptyWindow {
        /// Start in seconds.
        from_s: f64,
        /// End in seconds.
        to_s: f64,
        /// Time of the last request in seconds.
        length_s: f64,
    },
    /// The speed is not one.
    #[error("`speed` is {speed}: a number above 0 expected")]
    Speed {
        /// The speed.
        speed: f64,
    },
}

fn at_column(column: &Option<usize>) -> String {
    match column {
        Some(column) => format!(" (column {column})"),
        None => String::new(),
    }
}

/// What every field with a number of tokens should hold.
pub(super) const WHOLE_NUMBER: &str = "a whole number from 0 to 4294967295";

/// Enough of a text to recognise it by.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
