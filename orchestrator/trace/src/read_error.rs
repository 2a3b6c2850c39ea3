//! Why a file of telemetry cannot be read.

use std::io;

use thiserror::Error;

/// A line that cannot be read.
#[derive(Debug, Error)]
#[error("{source_name}, line {line}: {problem}")]
pub struct ReadError {
    /// What was being read, usually a path.
    pub source_name: String,
    /// Line, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub problem: ReadProblem,
}

/// What is wrong with a line.
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
}

impl ReadProblem {
    pub(crate) fn field(field: &'static str, value: &str, expected: &'static str) -> Self {
        ReadProblem::Field {
            field,
            value: value.to_owned(),
            expected,
        }
    }
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
            line,
            problem,
        })?;
    }
    Ok(())
}
