//! The manifests as text.

use std::path::Path;

use crate::common::{UNEVEN, manifests};
use insta::assert_snapshot;
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_kubernetes::{ExportError, Manifests, Options, Sweep, export};
use serde_json::Value;

/// The stream without what changes with every release and every default.
fn stream(manifests: &Manifests) -> String {
    let version = format!("version: \"{}\"", env!("CARGO_PKG_VERSION"));
    let lines = manifests.stream();
    let lines = lines
        .lines()
        .map(|line| match line.split_once("ragdoll.dev/plan: ") {
            Some((before, _)) => format!("{before}ragdoll.dev/plan: PLAN\n"),
            None => format!("{}\n", line.replace(&version, "version: VERSION")),
        });
    lines.collect()
}

fn sweep() -> Options {
    Options {
        namespace: Some("lab".to_owned()),
        sweep: Some(Sweep {
            seeds: 64,
            parts: 4,
        }),
        ..Options::default()
    }
}

/// How many objects of each kind there are, and the first of each. What a ConfigMap holds is read by
/// other tests.
fn one_of_each_kind(manifests: &Manifests) -> String {
    let text = stream(manifests);
    let documents = text.split("---\n").filter(|document| !document.is_empty());
    let mut kinds: Vec<(String, usize, &str)> = Vec::new();
    for (document, object) in documents.zip(objects(manifests)) {
        let kind = object["kind"].as_str().expect("a kind");
        match kinds.iter_mut().find(|(known, ..)| known == kind) {
            Some((_, count, _)) => *count += 1,
            None => kinds.push((kind.to_owned(), 1, document)),
        }
    }
    let mut shown = String::new();
    for (kind, count, first) in kinds {
        let first = if kind == "ConfigMap" { "" } else { first };
        shown += &format!("--- {count} {kind}\n{first}");
    }
    shown
}

#[test]
fn a_system_and_its_load() {
    assert_snapshot!(one_of_each_kind(&manifests("", &Options::default())));
}

#[test]
fn a_sweep() {
    assert_snapshot!(one_of_each_kind(&manifests("", &sweep())));
}

/// A system of RAG whose arrivals are no recording can be exported, whatever else an experiment says.
#[test]
fn the_experiments_of_the_repository_can_be_exported() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let mut exported = 0;
    for folder in [
        folder.clone(),
        folder.join("faults"),
        folder.join("mitigations"),
    ] {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.extension().is_none_or(|extension| extension != "toml")
                || path.ends_with("Cargo.toml")
            {
                continue;
            }
            let experiment =
                Experiment::load(&path, &Faults).unwrap_or_else(|errors| panic!("{errors}"));
            let text = std::fs::read_to_string(&path).expect("it was just read");
            match export(&experiment, &text, &Options::default()) {
                Ok(manifests) => {
                    let instances = experiment.topology.instances().len();
                    let shards = manifests
                        .shards
                        .iter()
                        .filter_map(|set| set.spec.as_ref()?.replicas);
                    let pods = manifests.deployments.len() + shards.sum::<i32>() as usize;
                    assert_eq!(
                        pods + 1,
                        instances,
                        "{path:?}: a pod an instance, and the load's"
                    );
                    exported += 1;
                }
                Err(ExportError::Recording { .. }) => {}
                Err(error) => panic!("{path:?}: {error}"),
            }
        }
    }
    assert!(exported > 50, "only {exported}");
}

fn objects(manifests: &Manifests) -> Vec<Value> {
    let mut values = Vec::new();
    let mut add = |value: Result<Value, serde_json::Error>| values.push(value.expect("JSON"));
    if let Some(namespace) = &manifests.namespace {
        add(serde_json::to_value(namespace));
    }
    add(serde_json::to_value(&manifests.config));
    add(serde_json::to_value(&manifests.results));
    for service in &manifests.services {
        add(serde_json::to_value(service));
    }
    for deployment in &manifests.deployments {
        add(serde_json::to_value(deployment));
    }
    if let Some(shards) = &manifests.shards {
        add(serde_json::to_value(shards));
    }
    add(serde_json::to_value(&manifests.job));
    values
}

/// Nothing changes on its way through YAML: a string that looks like a number stays one, and the
/// experiment's file keeps its every character.
#[test]
fn a_reader_of_yaml_finds_the_objects() {
    for options in [Options::default(), sweep()] {
        let manifests = manifests(UNEVEN, &options);
        let text = manifests.stream();
        let read: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
        assert_eq!(read, objects(&manifests));
    }
}

#[test]
fn strings_that_look_like_something_else_are_quoted() {
    let text = manifests("", &Options::default()).stream();
    for quoted in ["- \"0\"\n", "cpu: \"1\"\n"] {
        assert!(text.contains(quoted), "no {quoted}");
    }
}

#[test]
fn files_are_the_stream_in_the_order_of_their_names() {
    for options in [Options::default(), sweep()] {
        let manifests = manifests("", &options);
        let files = manifests.files();
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        assert!(names.is_sorted(), "{names:?}");
        let joined: String = files.into_iter().map(|(_, text)| text).collect();
        assert_eq!(joined, manifests.stream());
    }
}

#[test]
fn the_same_experiment_gives_the_same_text() {
    let once = manifests(UNEVEN, &Options::default()).stream();
    assert_eq!(once, manifests(UNEVEN, &Options::default()).stream());
}
