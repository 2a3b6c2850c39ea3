//! Which requests a fault acts on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a request must have for a fault to act on it. All that is given must hold; at least one is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Match {
    /// Its user, such as `user-7`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The topic that its query is about, as its baggage says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<u32>,
    /// Path of the call, such as `/ragdoll.v1.Shard/Query`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// A header of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<HeaderMatch>,
    /// Least bytes of the documents that the request carries, as its baggage says: known from the
    /// call of the reranker on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document_bytes_min: Option<u64>,
}

/// A header and its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderMatch {
    /// Name, in lower case.
    pub name: String,
    /// The whole value.
    pub value: String,
}

impl Match {
    /// Whether anything is asked of a request.
    pub fn is_empty(&self) -> bool {
        *self == Match::default()
    }
}
