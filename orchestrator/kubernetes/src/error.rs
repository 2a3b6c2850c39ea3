use thiserror::Error;

/// Why an experiment cannot be exported. All but [`ExportError::LeftOut`] are mistakes of
/// the command line or of the experiment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExportError {
    /// The program was built without the types of the Kubernetes API.
    #[error(
        "this program was built without manifests: build it with `cargo build --release --features \
         kubernetes`"
    )]
    LeftOut,
    /// The namespace is not a name that Kubernetes takes.
    #[error(
        "the namespace `{0}` is not a DNS label: give 1 to 63 lower-case letters, digits or `-`, \
         with a letter or digit at both ends"
    )]
    Namespace(String),
    /// The image is not a reference to one.
    #[error("`{0}` is not the name of an image: give one such as registry.example.org/ragdoll:1")]
    Image(String),
    /// A phase replays a recording that would not be in the pod.
    #[error(
        "phase `{phase}` replays `{file}`, which no manifest carries: put the recording into the \
         image and give its absolute path there"
    )]
    Recording {
        /// Name of the phase.
        phase: String,
        /// The recording, as the experiment names it.
        file: String,
    },
    /// The experiment does not fit into a ConfigMap.
    #[error(
        "the experiment and its plan take {bytes} bytes, and a ConfigMap holds {limit}: shorten \
         the file"
    )]
    TooLarge {
        /// Bytes of all entries.
        bytes: usize,
        /// What Kubernetes allows.
        limit: usize,
    },
    /// More pods than seeds.
    #[error("{parts} pods cannot share {seeds} seeds: give a --parallelism of 1 to {seeds}")]
    Parts {
        /// Pods of the Job.
        parts: u32,
        /// Seeds of the sweep.
        seeds: u64,
    },
    /// More shards than a StatefulSet counts.
    #[error("{0} shards are more than a StatefulSet counts: use fewer shards or replicas")]
    Shards(usize),
}
