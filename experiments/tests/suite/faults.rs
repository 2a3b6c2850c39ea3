//! Every kind of fault has an experiment that says what it looks like, and that ends as it should
//! whatever the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{assert_passed, on_every_core, run_with, seeds};
use ragdoll_experiment::{Expected, Experiment, Phase};
use ragdoll_fault_layers::Faults;
use ragdoll_fault_spec::Catalog as _;

/// A part of the name of the experiments to run, where not all of them are wanted.
const ONLY: &str = "RAGDOLL_EXPERIMENTS";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("faults")
}

/// Every experiment of the folder by its name, in the order of names.
fn experiments() -> BTreeMap<String, Experiment> {
    let folder = folder();
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let files = entries.map(|entry| entry.expect("readable").path());
    let loaded = files.map(|file| {
        let stem = file.file_stem().expect("a file").to_string_lossy();
        let experiment = Experiment::load(&file, &Faults);
        let experiment = experiment.unwrap_or_else(|errors| panic!("{errors}"));
        (stem.into_owned(), experiment)
    });
    loaded.collect()
}

/// Whether a phase has a fault of this kind that somebody is to feel.
fn is_hit_by(phase: &Phase, kind: &str) -> bool {
    let mut faults = phase.faults.iter();
    faults.any(|fault| fault.kind == kind && !fault.decoy && fault.probability > 0.0)
}

#[test]
fn every_kind_of_fault_has_an_experiment_with_its_name() {
    let kinds: BTreeSet<String> = Faults
        .kinds()
        .into_iter()
        .map(|kind| kind.name.to_owned())
        .collect();
    let experiments = experiments();
    let missing: Vec<_> = kinds
        .iter()
        .filter(|kind| !experiments.contains_key(*kind))
        .collect();
    assert!(
        missing.is_empty(),
        "no experiments/faults/KIND.toml: {missing:?}"
    );
    for kind in &kinds {
        let phases = &experiments[kind].phases;
        assert!(
            phases.iter().any(|phase| is_hit_by(phase, kind)),
            "{kind}.toml has no fault of its kind"
        );
    }
}

/// Something that must not be blamed: a phase beside the baseline and those with the fault, of which
/// something is expected too.
#[test]
fn every_experiment_of_a_fault_has_a_control() {
    for (name, experiment) in experiments() {
        let expected: Vec<String> = experiment
            .expectations
            .iter()
            .flat_map(|expectation| match &expectation.expected {
                Expected::Holds { expression } => vec![expression.clone()],
                other => {
                    let compared = other.comparison().into_iter();
                    compared.map(|(phase, _)| phase.to_owned()).collect()
                }
            })
            .collect();
        let is_spoken_of = |phase: &Phase| expected.iter().any(|text| text.contains(&phase.name));
        let controls = experiment
            .phases
            .iter()
            .filter(|phase| !phase.baseline && !is_hit_by(phase, &name) && is_spoken_of(phase));
        assert!(controls.count() >= 1, "{name}.toml has no control");
    }
}

#[test]
fn every_experiment_of_a_fault_ends_as_it_should_whatever_the_seed() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let experiments = experiments();
    let runs: Vec<(&Experiment, u64)> = experiments
        .iter()
        .filter(|(name, _)| name.contains(&only))
        .flat_map(|(_, experiment)| {
            let seeds = std::iter::once(experiment.seed).chain(seeds());
            seeds.map(move |seed| (experiment, seed))
        })
        .collect();
    let records = on_every_core(&runs, |(experiment, seed)| run_with(experiment, *seed));
    assert_passed(&records);
}

/// The section of each kind in the document of faults: from its heading to the next.
fn sections() -> BTreeMap<String, String> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/faults.md");
    let text = std::fs::read_to_string(&document);
    let text = text.unwrap_or_else(|error| panic!("{}: {error}", document.display()));
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if line.starts_with('#') {
            current = line.split('`').nth(1).unwrap_or_default().to_owned();
        }
        let section = sections.entry(current.clone()).or_default();
        section.push_str(line);
        section.push('\n');
    }
    sections
}

#[test]
fn the_document_of_faults_names_every_parameter_and_every_experiment() {
    let sections = sections();
    for kind in Faults.kinds() {
        let name = kind.name;
        let section = sections
            .get(name)
            .unwrap_or_else(|| panic!("docs/faults.md has no section for `{name}`"));
        let schema = Faults.params_schema(name);
        let parameters = schema.get("properties").and_then(|table| table.as_object());
        for parameter in parameters.into_iter().flat_map(|table| table.keys()) {
            assert!(
                section.contains(&format!("`{parameter}`")),
                "the section of `{name}` does not name `{parameter}`"
            );
        }
        let experiment = format!("experiments/faults/{name}.toml");
        assert!(
            section.contains(&experiment),
            "the section of `{name}` lacks {experiment}"
        );
    }
}
