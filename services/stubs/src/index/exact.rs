//! The exact index: it compares a query with every vector.

use ragdoll_telemetry::KeyValue;

use super::interface::{Found, Index, Search};
use super::order::best;
use super::vectors::Vectors;

/// Finds all of the nearest vectors.
#[derive(Debug, Default)]
pub struct Exact {
    vectors: Vectors,
}

impl Exact {
    /// No vectors, of `dimensions` components.
    pub fn new(dimensions: usize) -> Self {
        Exact {
            vectors: Vectors::new(dimensions),
        }
    }
}

impl Index for Exact {
    fn dimensions(&self) -> usize {
        self.vectors.dimensions()
    }

    fn insert(&mut self, vector: &[f32]) {
        self.vectors.push(vector);
    }

    fn replace(&mut self, position: u32, vector: &[f32]) {
        self.vectors.set(position as usize, vector);
    }

    fn search(&self, search: &Search<'_>) -> Found {
        let scores = self.considered(search);
        Found {
            nearest: best(&scores, search.limit),
            compared: scores.len(),
        }
    }

    fn considered(&self, search: &Search<'_>) -> Vec<f32> {
        self.vectors.scores(search.vector)
    }

    /// A full scan is what a database does without an index: it has nothing to say.
    fn attributes(&self, _: &Found) -> Vec<KeyValue> {
        Vec::new()
    }
}
