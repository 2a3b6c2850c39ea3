//! What every index can do.
//!
//! A vector is known by its position, which counts insertions and never changes. So an index that forgets
//! vectors leaves holes and moves nothing, and what restricts a search is one more field of [`Search`].

use std::fmt::Debug;

use ragdoll_telemetry::KeyValue;

/// What is searched for.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The query, with as many components as the index has dimensions.
    pub vector: &'a [f32],
    /// Vectors that are wanted.
    pub limit: usize,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Positions and scores, at most as many as were wanted: highest score first, and of equal ones the first
    /// position.
    pub nearest: Vec<(u32, f32)>,
    /// Comparisons of the query with a vector.
    pub compared: usize,
}

/// Vectors, and the search for those whose scalar product with a query is largest.
pub trait Index: Debug + Send + Sync {
    /// Components of every vector.
    fn dimensions(&self) -> usize;

    /// Adds a vector at the next position, which is the number of vectors before it.
    fn insert(&mut self, vector: &[f32]);

    /// Replaces the vector at a position that there is.
    fn replace(&mut self, position: u32, vector: &[f32]);

    /// The nearest vectors.
    fn search(&self, search: &Search<'_>) -> Found;

    /// Scores of all vectors that a search considers, by position; minus infinity for one that it never
    /// meets.
    fn considered(&self, search: &Search<'_>) -> Vec<f32>;

    /// What the span of a search that found this says of the index.
    fn attributes(&self, found: &Found) -> Vec<KeyValue>;
}
