//! The files that telemetry is written to.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Name of the file of spans: OTLP JSON lines.
pub const TRACES_FILE: &str = "traces.otlp.jsonl";
/// Name of the file of log lines.
pub const LOGS_FILE: &str = "logs.jsonl";
/// Name of the file of gauges: OTLP JSON lines.
pub const METRICS_FILE: &str = "metrics.otlp.jsonl";

/// Bytes gathered before a write.
const BUFFER_BYTES: usize = 1 << 20;

/// Telemetry could not be kept.
#[derive(Debug, Error)]
pub enum CollectError {
    /// The folder could not be made.
    #[error("cannot create the folder {path}: {source}; choose another with --out, or --no-out", path = path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file could not be written.
    #[error("cannot write {path}: {source}; what was written so far is incomplete", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Nothing can be received at this address.
    #[error(
        "cannot listen for telemetry on {address}: {source}; choose another with --otlp-listen"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Telemetry cannot be forwarded there.
    #[error(
        "--otlp-endpoint is `{endpoint}`: {problem}; give the address of another collector, such as http://127.0.0.1:4317"
    )]
    Forward {
        /// The endpoint.
        endpoint: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The services' own output could not be read back, which is a defect of ragdoll.
    #[error("a log line cannot be read back: {0}")]
    Read(#[from] ragdoll_trace::ReadError),
}

/// Open files for spans, logs and gauges.
#[derive(Debug)]
pub struct Output {
    traces: OutputFile,
    logs: OutputFile,
    metrics: OutputFile,
}

#[derive(Debug)]
struct OutputFile {
    path: PathBuf,
    writer: BufWriter<File>,
}

impl Output {
    /// Creates the files in `folder`, and the folder where there is none; files of an earlier run
    /// are replaced.
    ///
    /// # Errors
    /// The folder or file that cannot be created.
    pub fn create(folder: &Path) -> Result<Self, CollectError> {
        std::fs::create_dir_all(folder).map_err(|source| CollectError::Folder {
            path: folder.to_owned(),
            source,
        })?;
        Ok(Output {
            traces: OutputFile::create(folder.join(TRACES_FILE))?,
            logs: OutputFile::create(folder.join(LOGS_FILE))?,
            metrics: OutputFile::create(folder.join(METRICS_FILE))?,
        })
    }

    pub(crate) fn traces(&mut self, bytes: &[u8]) -> Result<(), CollectError> {
        self.traces.write(bytes)
    }

    pub(crate) fn logs(&mut self, bytes: &[u8]) -> Result<(), CollectError> {
        self.logs.write(bytes)
    }

    pub(crate) fn metrics(&mut self, bytes: &[u8]) -> Result<(), CollectError> {
        self.metrics.write(bytes)
    }

    pub(crate) fn finish(&mut self) -> Result<(), CollectError> {
        self.traces.flush()?;
        self.logs.flush()?;
        self.metrics.flush()
    }
}

impl OutputFile {
    fn create(path: PathBuf) -> Result<Self, CollectError> {
        match File::create(&path) {
            Ok(file) => Ok(OutputFile {
                writer: BufWriter::with_capacity(BUFFER_BYTES, file),
                path,
            }),
            Err(source) => Err(CollectError::Write { path, source }),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CollectError> {
        self.writer
            .write_all(bytes)
            .map_err(|source| self.failed(source))
    }

    fn flush(&mut self) -> Result<(), CollectError> {
        self.writer.flush().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> CollectError {
        CollectError::Write {
            path: self.path.clone(),
            source,
        }
    }
}
