//! The files that say how a run went.

use std::path::Path;

use ragdoll_experiment::RunRecord;

use crate::commands::failure::Failure;

/// Writes everything that says how the run went, beside its telemetry.
pub(crate) fn write_reports(folder: &Path, record: &RunRecord) -> Result<(), Failure> {
    write(folder, "run.json", &ragdoll_report::json(record))?;
    write(folder, "report.html", &ragdoll_report::html(record))?;
    let junit = ragdoll_report::junit(std::slice::from_ref(record));
    write(folder, "junit.xml", &junit)
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = folder.join(name);
    std::fs::write(&path, text)
        .map_err(|error| Failure::environment(format!("cannot write {}: {error}", path.display())))
}
