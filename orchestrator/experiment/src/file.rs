//! The experiment file as types: what is written, before names are resolved and gaps are filled.

use ragdoll_analyser::{Cause, Question};
use ragdoll_fault_spec::FaultSpec;
use ragdoll_model::presets::PRESETS;
use ragdoll_model::{Arrivals, Service, Topology, Workload};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Value, json};

/// A hypothesis about a distributed RAG system, and how to test it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Experiment")]
pub(crate) struct ExperimentFile {
    /// One line that says what is tried.
    pub(crate) title: String,
    /// What a reader should know before looking at the outcome.
    #[serde(default)]
    pub(crate) description: String,
    /// Seed of every random draw: the same seed gives the same run.
    #[serde(default = "default_seed")]
    pub(crate) seed: u64,
    /// The system under test: a named base and what differs from it.
    #[serde(default)]
    #[schemars(schema_with = "topology_schema")]
    pub(crate) topology: Value,
    /// The load. What is left out has the default's value.
    #[serde(default)]
    pub(crate) workload: Workload,
    /// Stretches of the run, in the order of time, each with its own faults.
    #[schemars(length(min = 1))]
    pub(crate) phases: Vec<PhaseFile>,
    /// What must hold for the experiment to pass.
    #[schemars(length(min = 1))]
    pub(crate) expect: Vec<ExpectFile>,
}

fn default_seed() -> u64 {
    1
}

fn topology_schema(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Topology::json_schema(generator);
    let base = json!({
        "type": "string",
        "description": "The topology that the other keys change.",
        "enum": PRESETS.map(|preset| preset.name),
        "default": PRESETS[0].name,
    });
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let properties = properties.expect("a topology is a table of services");
    properties.shift_insert(0, "base".to_owned(), base);
    schema
}

/// A stretch of the run with its own load and faults.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Phase")]
pub(crate) struct PhaseFile {
    /// Name, unique among the phases: lower-case letters, digits and `_`, not starting with a
    /// digit. Expectations and expressions use it.
    #[schemars(extend("pattern" = "^[a-z_][a-z0-9_]*$"))]
    pub(crate) name: String,
    /// Length in simulated seconds.
    #[schemars(range(max = 64_800.0), extend("exclusiveMinimum" = 0))]
    pub(crate) duration_s: f64,
    /// Start in simulated seconds from the start of the run; the end of the phase before, unless
    /// given. In a gap between phases the workload's own arrivals go on, and nothing is judged.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 64_800.0))]
    pub(crate) start_s: Option<f64>,
    /// Seconds at the start of the phase that count for nothing, while the system settles.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub(crate) settle_s: f64,
    /// When requests arrive in this phase, instead of `workload.arrivals`.
    #[serde(default)]
    pub(crate) arrivals: Option<Arrivals>,
    /// Whether the other phases are compared with this one; the first phase, unless given.
    #[serde(default)]
    pub(crate) baseline: Option<bool>,
    /// What is broken during the phase.
    #[serde(default)]
    pub(crate) faults: Vec<FaultSpec>,
}

/// One thing that must hold. Exactly one of `verdict`, `error_origin`, `shared_trait` and `holds`
/// is given; it decides which other keys may be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expect")]
pub(crate) struct ExpectFile {
    /// The phase that is judged.
    #[serde(default)]
    pub(crate) phase: Option<String>,
    /// The phase that it is compared with; the baseline, unless given.
    #[serde(default)]
    pub(crate) against: Option<String>,
    /// What the analyser says of the phase.
    #[serde(default)]
    pub(crate) verdict: Option<VerdictName>,
    /// With `verdict = "bottleneck"`: the service that it names.
    #[serde(default)]
    pub(crate) service: Option<Service>,
    /// With `verdict = "bottleneck"`: the instance that it names.
    #[serde(default)]
    pub(crate) instance: Option<String>,
    /// With `verdict = "bottleneck"`: the cause that it names.
    #[serde(default)]
    pub(crate) cause: Option<Cause>,
    /// With `verdict = "bottleneck"`: the indicator that it explains.
    #[serde(default)]
    pub(crate) question: Option<Question>,
    /// Least share that is due to the service (of the slow tail's time, or of the failing
    /// requests), or that has the shared trait.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub(crate) min_share: Option<f64>,
    /// The service in which failing requests go wrong first.
    #[serde(default)]
    pub(crate) error_origin: Option<Service>,
    /// With `error_origin`: the `error.type` there, such as `UNAVAILABLE`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) error: Option<String>,
    /// The span attribute that failing (else slow) requests have in common, such as
    /// `rag.documents.size_bytes`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) shared_trait: Option<String>,
    /// A CEL expression over the phases' figures, such as
    /// `contention.throughput_per_s < 1.1 * steady.throughput_per_s`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) holds: Option<String>,
    /// Why this is expected, for the report.
    #[serde(default)]
    pub(crate) because: String,
}

/// What the analyser may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VerdictName {
    /// Something makes requests slower, or fail more often, than in the other phase.
    Bottleneck,
    /// Nothing changed beyond noise.
    NoBottleneck,
}
