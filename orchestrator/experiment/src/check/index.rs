//! The index of a shard: enough candidates for the links that are made from them.

use ragdoll_model::topology::VectorIndex;

use crate::document::{KeyPath, Problems};

/// pgvector asks for the same (`ef_construction must be greater than or equal to 2 * m`).
pub(super) fn check_index(index: &VectorIndex, path: &KeyPath, problems: &mut Problems<'_, '_>) {
    let VectorIndex::Approximate(hnsw) = index else {
        return;
    };
    let least = 2 * hnsw.m;
    if hnsw.ef_construction < least {
        problems.add(
            &path.dotted("approximate.ef_construction"),
            format!("is {}, with an `m` of {}", hnsw.ef_construction, hnsw.m),
            format!("use at least twice `m`, {least}"),
        );
    }
}
