//! The index of a partition: which vectors are nearest to a query. One interface, and a file for each
//! way to find them.

mod approximate;
mod exact;
mod interface;
mod layers;
mod order;
#[cfg(test)]
mod tests;
mod vectors;

use ragdoll_model::topology::VectorIndex;
use ragdoll_runtime::Stream;

pub use approximate::Approximate;
pub use exact::Exact;
pub use interface::{Found, Index, Search};
pub use order::best;
pub use vectors::{Vectors, dot};

/// An empty index of vectors with `dimensions` components. What it draws comes from `random`, the family of
/// streams of the instance that holds it.
pub fn empty(spec: &VectorIndex, dimensions: usize, random: Stream) -> Box<dyn Index> {
    match spec {
        VectorIndex::Exact => Box::new(Exact::new(dimensions)),
        VectorIndex::Approximate(hnsw) => Box::new(Approximate::new(
            *hnsw,
            dimensions,
            random.child("index-layer"),
        )),
    }
}
