//! The index over a partition's vectors, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a shard finds the nearest of its vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VectorIndex {
    /// Compares the query with every vector: finds all.
    #[default]
    Exact,
    /// Walks a graph of near vectors and misses some.
    Approximate(Hnsw),
}

/// A hierarchical navigable small world (Malkov and Yashunin, "Efficient and robust approximate nearest
/// neighbor search using Hierarchical Navigable Small World graphs", 2016, arXiv:1603.09320). The ranges are
/// pgvector's ("HNSW", index options and query options).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Hnsw {
    /// Links of a vector in each layer, twice as many in the lowest one; from 2 to 100.
    #[schemars(range(min = 2, max = 100))]
    pub m: u32,
    /// Candidates kept while the links of a new vector are looked for, from 4 to 1,000, at least twice `m`.
    #[schemars(range(min = 4, max = 1000))]
    pub ef_construction: u32,
    /// Candidates kept while a query is answered, from 1 to 1,000; a search for more documents keeps as many
    /// as it is for.
    #[schemars(range(min = 1, max = 1000))]
    pub ef: u32,
}

impl Default for Hnsw {
    fn default() -> Self {
        Hnsw {
            // Qdrant: `hnsw_index.m` 16 and `hnsw_index.ef_construct` 100 (config/config.yaml).
            m: 16,
            ef_construction: 100,
            // pgvector: `hnsw.ef_search` 40 (README, "Query Options").
            ef: 40,
        }
    }
}
