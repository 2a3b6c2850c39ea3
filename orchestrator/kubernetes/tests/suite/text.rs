//! The manifests as text.

use std::path::Path;

use crate::common::{UNEVEN, manifests, parse};
use insta::assert_snapshot;
use ragdoll_kubernetes::{Manifests, Options, Sweep, export};
use serde_json::Value;

/// The stream without what changes with every release.
fn stream(manifests: &Manifests) -> String {
    let version = format!("version: \"{}\"\n", env!("CARGO_PKG_VERSION"));
    manifests.stream().replace(&version, "version: VERSION\n")
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

#[test]
fn the_default_topology() {
    assert_snapshot!(stream(&manifests("", &Options::default())));
}

#[test]
fn an_experiment_of_the_repository() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/reranker_oom.toml");
    let text = std::fs::read_to_string(path).expect("the experiment");
    let exported = export(&parse(&text), &text, &Options::default()).expect("manifests");
    assert_snapshot!(stream(&exported));
}

#[test]
fn a_sweep() {
    assert_snapshot!(stream(&manifests("", &sweep())));
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
