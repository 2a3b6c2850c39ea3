//! What the analyser says: typed, serialisable, comparable.

use serde::{Deserialize, Serialize};

use crate::questions::findings::{
    Attribution, Bottleneck, ErrorOrigin, Figure, SharedTrait, StructureChange,
};
use crate::questions::given_up::GivenUp;
use crate::questions::load::{Saturation, Series, ServiceLoad};
use crate::questions::root_operations::RootOperation;
use crate::questions::serial_opportunities::SerialOpportunity;

/// The answer for one population of requests against its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Verdict {
    /// Something makes requests slower, or fail more often, than in the baseline.
    Bottleneck(Bottleneck),
    /// Nothing changed beyond noise.
    NoBottleneck {
        /// The figures that say so.
        evidence: Vec<Figure>,
    },
    /// Too few requests to tell.
    NotEnoughData {
        /// What was missing.
        reason: String,
    },
}

impl Verdict {
    /// The bottleneck, where the verdict names one.
    pub fn bottleneck(&self) -> Option<&Bottleneck> {
        match self {
            Verdict::Bottleneck(bottleneck) => Some(bottleneck),
            _ => None,
        }
    }
}

/// Everything the analyser found in one window, against its baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    /// Operation of the root spans that the answer is about; none without requests.
    #[serde(default)]
    pub operation: Option<RootOperation>,
    /// Traces looked at.
    pub traces: u64,
    /// Traces of the baseline.
    pub baseline_traces: u64,
    /// The answer.
    pub verdict: Verdict,
    /// Answer to "why slow?" taken alone, where latency moved beyond noise.
    pub latency: Option<Bottleneck>,
    /// Answer to "why failing?" taken alone, where the error rate moved beyond noise.
    pub errors: Option<Bottleneck>,
    /// Answer to "why are fewer answered?" taken alone, where the throughput fell beyond noise.
    #[serde(default)]
    pub throughput: Option<Bottleneck>,
    /// Every place that explains a part of what changed, best first, with the verdict's at the head.
    /// Where nothing changed beyond noise, these are the likeliest all the same, for a reader who knows
    /// that something is wrong.
    #[serde(default)]
    pub ranked: Vec<Bottleneck>,
    /// Operations whose calls are not what they were: those first that no longer do all that they did,
    /// then by how unlikely chance is.
    #[serde(default)]
    pub structure: Vec<StructureChange>,
    /// Calls that are made one after the other and might be made at once, by what that would save.
    #[serde(default)]
    pub serial_calls: Vec<SerialOpportunity>,
    /// Work that went on after its caller had given up, most wasted time first.
    #[serde(default)]
    pub given_up: Vec<GivenUp>,
    /// Where the slow tail's time goes, largest first; the parts sum to the tail's mean duration.
    pub attribution: Vec<Attribution>,
    /// Where failing requests go wrong first, most frequent first.
    pub error_origins: Vec<ErrorOrigin>,
    /// What failing (else slow) requests have in common, strongest first.
    pub shared_traits: Vec<SharedTrait>,
    /// Load of every instance.
    pub saturation: Vec<Saturation>,
    /// Load of every service, what saturates first, and which instances do not share the work alike.
    #[serde(default)]
    pub load: ServiceLoad,
    /// The place that the verdict names over time.
    #[serde(default)]
    pub series: Option<Series>,
    /// What was repaired or left out while reading: words that stand alone.
    pub notes: Vec<String>,
}
