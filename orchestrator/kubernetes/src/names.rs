//! Names, ports and labels. Whoever looks something up and whoever puts it there read them here.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

/// Port of every service process: its protocol, its health and its control.
pub(crate) const PORT: i32 = 7000;
/// Port on which the load's pod takes the telemetry of the services (OTLP over gRPC).
pub(crate) const OTLP_PORT: i32 = 4317;
/// Service in front of that port.
pub(crate) const COLLECTOR: &str = "collector";
/// ConfigMap with the experiment and the plan.
pub(crate) const CONFIG: &str = "ragdoll";
/// Claim of the volume for results.
pub(crate) const RESULTS: &str = "ragdoll-results";
/// Job that runs the experiment against the services.
pub(crate) const LOAD: &str = "load";
/// Job that runs many seeds.
pub(crate) const SWEEP: &str = "sweep";
/// Key of the experiment in the ConfigMap.
pub(crate) const EXPERIMENT_FILE: &str = "experiment.toml";
/// Key of the plan in the ConfigMap.
pub(crate) const PLAN_FILE: &str = "plan.json";

/// What all pods of the system have in common, so that a selector cannot match a stranger.
const SYSTEM: &str = "ragdoll";
const NAME_LABEL: &str = "app.kubernetes.io/name";
const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
const PART_OF_LABEL: &str = "app.kubernetes.io/part-of";
const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// What something is and which copy of that it is, such as `reranker` and `reranker-3`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity<'a> {
    pub(crate) name: &'a str,
    pub(crate) instance: &'a str,
}

impl<'a> Identity<'a> {
    /// Something of which there is one.
    pub(crate) fn only(name: &'a str) -> Self {
        Identity {
            name,
            instance: name,
        }
    }

    /// Labels that find its pods. They stay the same from version to version, since a selector
    /// cannot be changed.
    pub(crate) fn selector(self) -> BTreeMap<String, String> {
        let pairs = [
            (NAME_LABEL, self.name),
            (INSTANCE_LABEL, self.instance),
            (PART_OF_LABEL, SYSTEM),
        ];
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        pairs.into_iter().map(owned).collect()
    }

    pub(crate) fn label_selector(self) -> LabelSelector {
        LabelSelector {
            match_labels: Some(self.selector()),
            match_expressions: None,
        }
    }

    /// Every label of its objects and pods.
    pub(crate) fn labels(self) -> BTreeMap<String, String> {
        let mut labels = self.selector();
        labels.insert(MANAGED_BY_LABEL.to_owned(), SYSTEM.to_owned());
        labels.insert(
            VERSION_LABEL.to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        );
        labels
    }

    /// Metadata of an object that is called `object`.
    pub(crate) fn metadata(self, object: &str, namespace: Option<&str>) -> ObjectMeta {
        ObjectMeta {
            name: Some(object.to_owned()),
            namespace: namespace.map(str::to_owned),
            labels: Some(self.labels()),
            ..ObjectMeta::default()
        }
    }
}
