//! A folder of labelled incidents of other systems.
//!
//! ```text
//! DIR/labels.json                   {"CASE": {"service": …, "instance": …, "type": …, "normal": FILE}, …}
//! DIR/CASE/before.otlp.jsonl.gz     may be empty
//! DIR/CASE/after.otlp.jsonl.gz
//! DIR/FILE                          traces of a quiet time, where `before` does not suffice
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ragdoll_analyser::Cause;
use serde::Deserialize;

use crate::error::CaseError;
use crate::expected::{Expected, ExpectedFault};
use crate::folder::read_json;

/// Name of the file that holds the labels.
pub(crate) const LABELS_FILE: &str = "labels.json";

/// Traces that the time before an incident needs to serve as its baseline.
pub(crate) const BASELINE_TRACES_MIN: usize = 100;

/// Where the telemetry of one incident lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incident {
    pub(crate) before: PathBuf,
    pub(crate) after: PathBuf,
    pub(crate) normal: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct Label {
    service: String,
    instance: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    normal: Option<String>,
}

/// Incidents of a folder with their right answers, in the order of their names.
pub(crate) fn incidents(folder: &Path) -> Result<Vec<(Expected, Incident)>, CaseError> {
    let labels: BTreeMap<String, Label> = read_json(&folder.join(LABELS_FILE))?;
    let incident = |(case, label): (String, Label)| {
        let files = folder.join(&case);
        let incident = Incident {
            before: files.join("before.otlp.jsonl.gz"),
            after: files.join("after.otlp.jsonl.gz"),
            normal: label.normal.map(|file| folder.join(file)),
        };
        (
            expected(case, label.service, label.instance, label.kind),
            incident,
        )
    };
    Ok(labels.into_iter().map(incident).collect())
}

fn expected(case: String, service: String, instance: Option<String>, kind: String) -> Expected {
    Expected {
        case,
        faults: vec![ExpectedFault {
            causes: causes(&kind),
            service,
            instance,
            kind,
            path: Vec::new(),
        }],
        decoys: Vec::new(),
    }
}

/// What counts as the right cause of a type of incident. A processor that others use, or that the
/// service itself uses for more, shows as want of processor time or as longer work. A function that
/// returns early or throws shows as calls that fail or that are not made. Causes of other types are not
/// graded.
fn causes(kind: &str) -> Vec<Cause> {
    match kind {
        "cpu_contention" | "cpu_consumed" => vec![Cause::Cpu, Cause::Compute],
        "network_delay" => vec![Cause::Network],
        "return" | "exception" => vec![Cause::Errors],
        _ => Vec::new(),
    }
}
