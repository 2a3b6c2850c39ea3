//! Experiments to export.

use std::path::Path;

use k8s_openapi::api::core::v1::{Container, PodTemplateSpec};
use ragdoll_experiment::Experiment;
use ragdoll_fault_layers::Faults;
use ragdoll_kubernetes::{Manifests, Options, export};

/// A small experiment on a topology.
pub(crate) fn text(topology: &str) -> String {
    format!(
        r#"title = "The numbers of 1.10 are strings: \"yes\""
seed = 7

{topology}

[workload]
arrivals = {{ poisson_per_s = 10.0 }}

[[phases]]
name = "baseline"
duration_s = 30

[[phases]]
name = "after"
duration_s = 30.5

[[expect]]
phase = "after"
verdict = "no_bottleneck"
"#
    )
}

/// The experiment of this text.
pub(crate) fn parse(text: &str) -> Experiment {
    Experiment::parse(text, Path::new("small.toml"), &Faults)
        .unwrap_or_else(|errors| panic!("{errors}"))
}

/// The manifests of a topology, written as in an experiment file.
pub(crate) fn manifests(topology: &str, options: &Options) -> Manifests {
    let text = text(topology);
    export(&parse(&text), &text, options).unwrap_or_else(|error| panic!("{error}"))
}

/// A topology in which every count is another one.
pub(crate) const UNEVEN: &str = r#"
[topology]
base = "wide"
[topology.gateway]
instances = 4
[topology.metadata]
instances = 2
[topology.vector_db]
shards = 5
replicas = 3
[topology.ingest]
workers = 3
[topology.reranker]
instances = 6
"#;

/// The one container of a pod.
pub(crate) fn container(template: &PodTemplateSpec) -> &Container {
    let spec = template.spec.as_ref().expect("a spec");
    assert_eq!(spec.containers.len(), 1);
    &spec.containers[0]
}
