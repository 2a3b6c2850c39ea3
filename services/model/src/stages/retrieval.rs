//! What a service does with the content of a request. None of it takes time: that is what work, batches and
//! devices are for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The question becomes a vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Embed {}

/// Documents are found among those of the corpus that the service holds. Lists of several searches become one by reciprocal
/// rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(default, deny_unknown_fields)]
pub struct Search {
    /// What they are compared by.
    pub by: SearchBy,
    /// Documents at most, from 1 to 1,000.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: u32,
    /// Parts that the corpus is cut into, from 1 to 300.
    #[schemars(range(min = 1, max = 300))]
    pub parts: u32,
    /// The part that the service holds, from 0.
    #[schemars(range(max = 299))]
    pub part: u32,
}

impl Default for Search {
    fn default() -> Self {
        Search {
            by: SearchBy::Vectors,
            // LangChain's example of a cross-encoder fetches 20 ("Cross Encoder Reranker").
            limit: 20,
            parts: 1,
            part: 0,
        }
    }
}

/// What a search compares.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SearchBy {
    /// The question's vector with those of the documents, exactly.
    Vectors,
    /// The question's words with those of the documents: BM25 with k1 1.2 and b 0.75, as Lucene has it.
    Keywords,
}

/// The documents found are compared with the question once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rerank {
    /// Documents that are kept, from 1 to 1,000.
    #[schemars(range(min = 1, max = 1000))]
    pub limit: u32,
}

impl Default for Rerank {
    fn default() -> Self {
        // As many as a question asks for (`top_k`).
        Rerank { limit: 4 }
    }
}
