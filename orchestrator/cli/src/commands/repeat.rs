//! The folder of a repeated run.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use ragdoll_experiment::RunRecord;
use ragdoll_report::{RepeatPlan, repeat_line};

/// What was asked for.
pub(crate) const PLAN_FILE: &str = "repeat.json";
/// A record a line, in the order of the seeds.
pub(crate) const RECORDS_FILE: &str = "repeat.jsonl";

/// Name of the folder of one seed within that of the repeated run.
pub(crate) fn seed_folder(seed: u64) -> String {
    format!("seed-{seed}")
}

/// What a repeated run leaves beside the folders of its seeds. It is written as the runs end, so
/// that what was cut off is worth as much as it got done.
#[derive(Debug)]
pub(crate) struct RepeatFolder {
    folder: PathBuf,
    plan: RepeatPlan,
    /// The file of records, once there is something to write: a run that cannot begin leaves the
    /// folder as it is.
    records: Option<File>,
}

impl RepeatFolder {
    pub(crate) fn new(folder: PathBuf, plan: RepeatPlan) -> Self {
        RepeatFolder {
            folder,
            plan,
            records: None,
        }
    }

    /// Adds a run that has ended. Errors say which file could not be written, and why.
    pub(crate) fn add(&mut self, record: &RunRecord) -> Result<(), String> {
        let path = self.folder.join(RECORDS_FILE);
        let line = repeat_line(record);
        let written = self.records()?.write_all(line.as_bytes());
        written.map_err(|error| cannot_write(&path, &error))
    }

    /// Ends the run. A share without a seed leaves files without a record.
    pub(crate) fn finish(mut self) -> Result<(), String> {
        self.records().map(drop)
    }

    fn records(&mut self) -> Result<&mut File, String> {
        let file = match self.records.take() {
            Some(file) => file,
            None => self.create()?,
        };
        Ok(self.records.insert(file))
    }

    fn create(&self) -> Result<File, String> {
        std::fs::create_dir_all(&self.folder).map_err(|error| {
            format!(
                "cannot create the folder {}: {error}; choose another with --out",
                self.folder.display()
            )
        })?;
        let plan = self.folder.join(PLAN_FILE);
        std::fs::write(&plan, self.plan.to_json()).map_err(|error| cannot_write(&plan, &error))?;
        let records = self.folder.join(RECORDS_FILE);
        File::create(&records).map_err(|error| cannot_write(&records, &error))
    }
}

pub(crate) fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("cannot write {}: {error}", path.display())
}
