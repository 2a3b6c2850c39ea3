//! Why a case cannot be scored.

use std::io;
use std::path::{Path, PathBuf};

use ragdoll_trace::{InputError, ReadError};
use thiserror::Error;

/// What is wrong with a data set or one of its cases. It names the file and the fix.
#[derive(Debug, Error)]
pub enum CaseError {
    /// A file or folder that cannot be read.
    #[error("{}: cannot be read: {error}; {fix}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
        /// What to do.
        fix: &'static str,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written: {error}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file that is not the JSON that it should be.
    #[error("{}: {error}; make the case again, or remove its folder", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        error: serde_json::Error,
    },
    /// A field that has a value that it cannot have.
    #[error("{}: `{field}` {problem}; {fix}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field.
        field: String,
        /// What is wrong with it.
        problem: String,
        /// What to do.
        fix: String,
    },
    /// Telemetry of which nothing can be read.
    #[error("{error}; make the case again, or remove its folder")]
    Telemetry {
        /// What is wrong, with the file.
        #[from]
        error: InputError,
    },
    /// Telemetry of a data set of which a part cannot be read.
    #[error("{error}; make the case again, or remove its folder")]
    Broken {
        /// What is wrong, with file and line.
        #[from]
        error: ReadError,
    },
    /// A folder without cases of a layout that is known.
    #[error(
        "{}: neither `dataset.json` nor `labels.json` is there; give the folder that `ragdoll \
         dataset --out` wrote, or one of labelled incidents",
        path.display()
    )]
    NoCases {
        /// The folder.
        path: PathBuf,
    },
}

impl CaseError {
    pub(crate) fn unreadable(path: &Path, error: io::Error) -> Self {
        let fix = match error.kind() {
            io::ErrorKind::NotFound => "is the name right, and is the case complete?",
            io::ErrorKind::PermissionDenied => "may this user read it?",
            _ => "is it whole?",
        };
        CaseError::Unreadable {
            path: path.to_owned(),
            error,
            fix,
        }
    }
}
