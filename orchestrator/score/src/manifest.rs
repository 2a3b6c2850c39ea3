//! What a data set says about itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Content of a data set's `dataset.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout: [`Manifest::FORMAT`].
    pub format: u32,
    /// Program and version that made it, such as `ragdoll 0.1.0`.
    pub generator: String,
    /// Seed of the whole; a case's own seed follows from it and the case's number.
    pub seed: u64,
    /// Which part of the whole the folder holds.
    pub shard: Shard,
    /// Cases in the folder.
    pub cases: u64,
    /// Candidates that were left out, by reason in words that stand alone.
    pub discarded: BTreeMap<String, u64>,
}

impl Manifest {
    /// The version of the layout that this program writes and reads.
    pub const FORMAT: u32 = 1;
}

/// One part of several, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Number of this part, below `count`.
    pub index: u64,
    /// Number of parts.
    pub count: u64,
}
