//! A single fault as text, for a system that runs without an experiment.

use ragdoll_fault_spec::{Catalog, FaultSpec};
use ragdoll_model::Topology;
use serde_json::Value;

use crate::check::check_fault;
use crate::document::{Document, KeyPath, Problems};
use crate::schema::schema;
use crate::shape::check_shape;
use crate::spec_error::{SpecError, SpecErrors};

/// Length that stands for a phase without an end, in seconds: a century.
const OPEN_ENDED_S: f64 = 3.2e9;

/// Reads and checks a fault that is written as TOML, as in a phase's list of faults. Without `for_s`
/// it lasts until it is taken back. `name` is what messages call the text.
///
/// # Errors
/// As [`Experiment::load`](crate::Experiment::load).
pub fn parse_fault(
    text: &str,
    name: &str,
    topology: &Topology,
    catalog: &dyn Catalog,
) -> Result<FaultSpec, SpecErrors> {
    let document = Document::parse(name, text)?;
    let mut problems = Problems::new(&document);
    check_shape(&fault_schema(catalog), &document.root, &mut problems);
    problems.into_result()?;
    let mut problems = Problems::new(&document);
    let path = KeyPath::default();
    let fault: FaultSpec = match serde_json::from_value(document.root.to_json()) {
        Ok(fault) => fault,
        Err(error) => {
            problems.add(&path, error.to_string(), "correct the fault");
            return Err(problems.into_result().expect_err("a problem was added"));
        }
    };
    let fault = check_fault(
        &fault,
        OPEN_ENDED_S,
        topology,
        catalog,
        &path,
        &mut problems,
    );
    problems.into_result().map(|()| fault)
}

/// The same for a fault that is written as JSON.
///
/// # Errors
/// As [`parse_fault`], without places.
pub fn parse_fault_json(
    text: &str,
    name: &str,
    topology: &Topology,
    catalog: &dyn Catalog,
) -> Result<FaultSpec, SpecErrors> {
    let mistake = |message: String| SpecErrors {
        errors: vec![SpecError {
            file: name.to_owned(),
            position: None,
            key: String::new(),
            message,
            fix: "send one JSON object, with numbers, strings, booleans and objects in it"
                .to_owned(),
        }],
    };
    let value: Value = serde_json::from_str(text)
        .map_err(|error| mistake(format!("the fault is not JSON: {error}")))?;
    let as_toml = toml::to_string(&value)
        .map_err(|error| mistake(format!("the fault cannot be read: {error}")))?;
    parse_fault(&as_toml, name, topology, catalog).map_err(|mut errors| {
        for error in &mut errors.errors {
            error.position = None;
        }
        errors
    })
}

/// JSON schema of a single fault, with its definitions.
pub fn fault_schema(catalog: &dyn Catalog) -> Value {
    let mut whole = schema(catalog);
    let definitions = whole["$defs"].take();
    let mut fault = definitions["FaultSpec"].clone();
    fault["$defs"] = definitions;
    fault
}
