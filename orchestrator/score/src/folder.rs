//! Where the parts of a data set lie.
//!
//! ```text
//! DIR/dataset.json
//! DIR/cases/CASE/truth.json
//! DIR/cases/CASE/before.traces.otlp.jsonl.zst   during.traces.otlp.jsonl.zst
//! DIR/cases/CASE/before.logs.jsonl.zst          during.logs.jsonl.zst
//! DIR/cases/CASE/before.metrics.otlp.jsonl.zst  during.metrics.otlp.jsonl.zst
//! DIR/cases/CASE/spans.parquet  logs.parquet  metrics.parquet
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::error::CaseError;
use crate::manifest::Manifest;
use crate::truth::Truth;

/// Name of the file that says what a data set is.
pub const MANIFEST_FILE: &str = "dataset.json";
/// Folder within a data set that holds one folder a case.
pub const CASES_FOLDER: &str = "cases";

/// Which of a case's two stretches of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Before the faults.
    Before,
    /// With the faults.
    During,
}

impl Part {
    /// Both, in the order of time.
    pub const ALL: [Part; 2] = [Part::Before, Part::During];

    const fn name(self) -> &'static str {
        match self {
            Part::Before => "before",
            Part::During => "during",
        }
    }
}

/// Which kind of telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// Spans as OTLP JSON lines.
    Traces,
    /// The services' own log lines.
    Logs,
    /// Gauges and sums as OTLP JSON lines.
    Metrics,
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 3] = [Signal::Traces, Signal::Logs, Signal::Metrics];

    const fn file(self) -> &'static str {
        match self {
            Signal::Traces => "traces.otlp.jsonl",
            Signal::Logs => "logs.jsonl",
            Signal::Metrics => "metrics.otlp.jsonl",
        }
    }

    const fn parquet_file(self) -> &'static str {
        match self {
            Signal::Traces => "spans.parquet",
            Signal::Logs => "logs.parquet",
            Signal::Metrics => "metrics.parquet",
        }
    }
}

/// The folder of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseFolder {
    path: PathBuf,
}

impl CaseFolder {
    /// The case at this path.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        CaseFolder { path: path.into() }
    }

    /// The case of this name in the data set at `dataset`.
    pub fn in_dataset(dataset: &Path, case: &str) -> Self {
        CaseFolder::at(dataset.join(CASES_FOLDER).join(case))
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the truth is.
    pub fn truth_path(&self) -> PathBuf {
        self.path.join("truth.json")
    }

    /// Where a part's telemetry is written, compressed with zstd.
    pub fn telemetry_path(&self, part: Part, signal: Signal) -> PathBuf {
        let file = format!("{}.{}.zst", part.name(), signal.file());
        self.path.join(file)
    }

    /// Where the same telemetry is written as a table, both parts in one.
    pub fn parquet_path(&self, signal: Signal) -> PathBuf {
        self.path.join(signal.parquet_file())
    }

    /// Where a part's telemetry is found: as it was written, or unpacked or packed again by a reader
    /// who had a look.
    pub fn find_telemetry(&self, part: Part, signal: Signal) -> Option<PathBuf> {
        let written = self.telemetry_path(part, signal);
        let (plain, gzip) = (written.with_extension(""), written.with_extension("gz"));
        [written, plain, gzip]
            .into_iter()
            .find(|path| path.is_file())
    }

    /// Reads the truth.
    ///
    /// # Errors
    /// Names the file, and what is wrong with it.
    pub fn read_truth(&self) -> Result<Truth, CaseError> {
        let path = self.truth_path();
        let truth: Truth = read_json(&path)?;
        for (name, stretch) in [("before", truth.before), ("during", truth.during)] {
            if stretch.start_ns >= stretch.end_ns {
                return Err(CaseError::Field {
                    path,
                    field: name.to_owned(),
                    problem: format!(
                        "ends at {} ns, which is not after its start at {} ns",
                        stretch.end_ns, stretch.start_ns
                    ),
                    fix: "make the case again with `ragdoll dataset`".to_owned(),
                });
            }
        }
        Ok(truth)
    }

    /// Writes the truth into the folder, which is made where it is missing.
    ///
    /// # Errors
    /// Names the file that cannot be written.
    pub fn write_truth(&self, truth: &Truth) -> Result<(), CaseError> {
        write_json(&self.truth_path(), truth)
    }
}

/// Reads a data set's description.
///
/// # Errors
/// Names the file, and what is wrong with it, such as another version of the layout.
pub fn read_manifest(dataset: &Path) -> Result<Manifest, CaseError> {
    let path = dataset.join(MANIFEST_FILE);
    let manifest: Manifest = read_json(&path)?;
    if manifest.format != Manifest::FORMAT {
        return Err(CaseError::Field {
            path,
            field: "format".to_owned(),
            problem: format!(
                "is {}, and this program reads {}",
                manifest.format,
                Manifest::FORMAT
            ),
            fix: format!(
                "use the program that made it ({}), or make it again with this one",
                manifest.generator
            ),
        });
    }
    Ok(manifest)
}

/// Writes a data set's description into the folder, which is made where it is missing.
///
/// # Errors
/// Names the file that cannot be written.
pub fn write_manifest(dataset: &Path, manifest: &Manifest) -> Result<(), CaseError> {
    write_json(&dataset.join(MANIFEST_FILE), manifest)
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, CaseError> {
    let text = fs::read_to_string(path).map_err(|error| CaseError::unreadable(path, error))?;
    serde_json::from_str(&text).map_err(|error| CaseError::Json {
        path: path.to_owned(),
        error,
    })
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), CaseError> {
    let mut text = serde_json::to_string_pretty(value).expect("the value is plain data");
    text.push('\n');
    let write = || -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    };
    write().map_err(|error| CaseError::Unwritable {
        path: path.to_owned(),
        error,
    })
}
