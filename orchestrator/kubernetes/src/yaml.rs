//! The objects as text.

use serde::Serialize;

use crate::manifests::Manifests;

const SERVICES_COMMENT: &str = "\
# Each instance has a Service of its own: the clients choose an instance themselves, by the id of
# the request, and a Service in front of several would choose anew.
";
const SHARDS_COMMENT: &str = "\
# Pod i is instance i of the shards: replica i % replicas of partition i / replicas. It learns its
# number from the label that Kubernetes gives it.
";
const SWEEP_COMMENT: &str = "\
# Each pod runs its share of the seeds, by the index that Kubernetes gives it, and leaves a part for
# `ragdoll merge`.
";

/// Objects of one kind.
struct Group {
    /// Name of their file. `kubectl apply` takes the files of a folder in the order of their names.
    file: &'static str,
    /// Lines in front of them.
    comment: &'static str,
    /// YAML, one text an object.
    objects: Vec<String>,
}

impl Group {
    /// The objects, each as a document.
    fn text(&self) -> String {
        let mut text = String::new();
        for (number, object) in self.objects.iter().enumerate() {
            text.push_str("---\n");
            if number == 0 {
                text.push_str(self.comment);
            }
            text.push_str(object);
        }
        text
    }
}

impl Manifests {
    /// All objects as one stream of YAML documents.
    pub fn stream(&self) -> String {
        self.groups().iter().map(Group::text).collect()
    }

    /// Name and text of a file for each kind of object. In the order of the names a cluster gets
    /// what others need before them.
    pub fn files(&self) -> Vec<(&'static str, String)> {
        let groups = self.groups();
        groups.iter().map(|one| (one.file, one.text())).collect()
    }

    fn groups(&self) -> Vec<Group> {
        let is_sweep = self.shards.is_none();
        let job_comment = if is_sweep { SWEEP_COMMENT } else { "" };
        let groups = [
            group("00-namespace.yaml", "", self.namespace.as_slice()),
            group("10-config-map.yaml", "", &[&self.config]),
            group("20-persistent-volume-claim.yaml", "", &[&self.results]),
            group("30-services.yaml", SERVICES_COMMENT, &self.services),
            group("40-deployments.yaml", "", &self.deployments),
            group(
                "50-stateful-set.yaml",
                SHARDS_COMMENT,
                self.shards.as_slice(),
            ),
            group("60-job.yaml", job_comment, &[&self.job]),
        ];
        let groups = groups.into_iter();
        groups.filter(|group| !group.objects.is_empty()).collect()
    }
}

fn group<T: Serialize>(file: &'static str, comment: &'static str, objects: &[T]) -> Group {
    Group {
        file,
        comment,
        objects: objects.iter().map(yaml).collect(),
    }
}

fn yaml<T: Serialize>(object: &T) -> String {
    let options = serde_saphyr::ser_options! {
        // A folded line is harder to read and to search for than a long one.
        folded_wrap_chars: usize::MAX,
    };
    serde_saphyr::to_string_with_options(object, options)
        .expect("objects of the API are maps, lists and scalars, all of which YAML holds")
}
