//! From the text of a file to an experiment, or to all that is wrong with it.

use std::path::Path;

use ragdoll_fault_spec::Catalog;
use ragdoll_model::Topology;
use ragdoll_model::presets::PRESETS;
use serde_json::Value;

use crate::check::{check_expectations, check_phases, check_topology, check_workload};
use crate::document::{Document, KeyPath, Problems};
use crate::experiment::Experiment;
use crate::file::ExperimentFile;
use crate::schema::{is_table_of_keys, resolve, schema};
use crate::shape::check_shape;
use crate::spec_error::{SpecError, SpecErrors};

impl Experiment {
    /// Reads and checks an experiment file.
    ///
    /// # Errors
    /// Every mistake in the file, each with file, line, key and fix: those of keys, types and
    /// ranges first; once there are none, those of meaning. One error without a line where the
    /// file cannot be read.
    pub fn load(path: &Path, catalog: &dyn Catalog) -> Result<Experiment, SpecErrors> {
        match std::fs::read_to_string(path) {
            Ok(text) => Experiment::parse(&text, path, catalog),
            Err(error) => Err(SpecErrors {
                errors: vec![SpecError {
                    file: path.display().to_string(),
                    position: None,
                    key: String::new(),
                    message: format!("the file cannot be read: {error}"),
                    fix: "give the path of an experiment file".to_owned(),
                }],
            }),
        }
    }

    /// Checks the text of an experiment file; `path` is what messages call it and what recordings
    /// are relative to.
    ///
    /// # Errors
    /// As [`Experiment::load`].
    pub fn parse(text: &str, path: &Path, catalog: &dyn Catalog) -> Result<Experiment, SpecErrors> {
        let document = Document::parse(&path.display().to_string(), text)?;
        let schema = schema(catalog);
        let mut problems = Problems::new(&document);
        check_shape(&schema, &document.root, &mut problems);
        problems.into_result()?;

        let mut problems = Problems::new(&document);
        let json = document.root.to_json();
        let file: ExperimentFile = match serde_json::from_value(json) {
            Ok(file) => file,
            Err(error) => {
                problems.add(&KeyPath::default(), error.to_string(), "correct the file");
                return Err(problems.into_result().expect_err("a problem was added"));
            }
        };
        let topology = match merged_topology(&schema, &file.topology) {
            Ok(topology) => topology,
            Err(error) => {
                let path = KeyPath::default().key("topology");
                problems.add(&path, error.to_string(), "correct this table");
                return Err(problems.into_result().expect_err("a problem was added"));
            }
        };
        check_topology(&topology, &mut problems);
        check_workload(&file.workload, &topology, &mut problems);
        let folder = path.parent().unwrap_or(Path::new(""));
        let phases = check_phases(&file, &topology, folder, catalog, &mut problems);
        let expectations = check_expectations(&file, &phases, &topology, &mut problems);
        problems.into_result()?;
        Ok(Experiment {
            title: file.title,
            description: file.description,
            seed: file.seed,
            file: path.to_owned(),
            topology,
            workload: file.workload,
            phases,
            expectations,
        })
    }
}

/// The named base with the file's keys in place of its own. The keys of a table are replaced one
/// by one; a value that is written as a table, such as a distribution, is replaced whole.
fn merged_topology(schema: &Value, overrides: &Value) -> Result<Topology, serde_json::Error> {
    let name = overrides["base"].as_str().unwrap_or(PRESETS[0].name);
    let base = Topology::base(name).unwrap_or_else(|| panic!("the schema knows no base {name}"));
    let mut merged = serde_json::to_value(base)?;
    merge(
        schema,
        &schema["properties"]["topology"],
        &mut merged,
        overrides,
    );
    if let Some(object) = merged.as_object_mut() {
        object.shift_remove("base");
    }
    serde_json::from_value(merged)
}

fn merge(root: &Value, schema: &Value, base: &mut Value, overrides: &Value) {
    for (key, value) in overrides.as_object().into_iter().flatten() {
        let (_, property) = resolve(root, &schema["properties"][key]);
        if is_table_of_keys(property) {
            merge(root, property, &mut base[key], value);
        } else {
            base[key] = value.clone();
        }
    }
}
