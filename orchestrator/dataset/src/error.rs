//! Why a data set cannot be made.

use std::io;
use std::path::PathBuf;

use ragdoll_deploy::{CollectError, RunError};
use ragdoll_score::CaseError;
use thiserror::Error;

/// A data set that cannot be made. Every message says what to do.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// The program was built without the tables of the cases.
    #[error(
        "this program was built without Parquet, in which cases have their tables: build it with \
         `cargo build --release --features parquet`"
    )]
    LeftOut,
    /// The folder holds something already.
    #[error(
        "{} is not empty: choose another folder with --out, or remove this one first",
        folder.display()
    )]
    NotEmpty {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no such shard.
    #[error("there is no shard {index} of {count}: the first is 0/{count}, the last {last}/{count}",
        last = count.saturating_sub(1))]
    NoSuchShard {
        /// Its number.
        index: u64,
        /// How many there are.
        count: u64,
    },
    /// A file or folder that the system refuses.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The description of a case or of the whole that cannot be written.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// A table that cannot be written, which is a defect of ragdoll.
    #[error("cannot make {}: {source}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A case that cannot be run, which is a defect of ragdoll.
    #[error("case {case}, candidate {candidate} cannot be run: {source}")]
    Run {
        /// Number of the case.
        case: u64,
        /// Number of the candidate.
        candidate: u64,
        /// Why.
        source: Box<RunError>,
    },
    /// Telemetry that cannot be read back, which is a defect of ragdoll.
    #[error("case {case}: {source}")]
    Telemetry {
        /// Number of the case.
        case: u64,
        /// Why.
        source: CollectError,
    },
}
