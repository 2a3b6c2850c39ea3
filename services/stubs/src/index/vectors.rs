//! Vectors in memory, and how near two are: by their scalar product.

/// Vectors by dimension, not one after the other: a scan then goes through memory in order, and
/// works on several documents with each instruction.
#[derive(Debug, Default)]
pub struct Vectors {
    columns: Vec<Vec<f32>>,
}

impl Vectors {
    /// No vectors, of `dimensions` components.
    pub fn new(dimensions: usize) -> Self {
        Vectors {
            columns: vec![Vec::new(); dimensions],
        }
    }

    /// Components of every vector.
    pub fn dimensions(&self) -> usize {
        self.columns.len()
    }

    /// Adds a vector at the end. Components past the dimensions are left out.
    pub fn push(&mut self, vector: &[f32]) {
        for (column, component) in self.columns.iter_mut().zip(vector) {
            column.push(*component);
        }
    }

    /// Replaces the vector at a position.
    pub fn set(&mut self, position: usize, vector: &[f32]) {
        for (column, component) in self.columns.iter_mut().zip(vector) {
            column[position] = *component;
        }
    }

    /// Scalar product of `vector` with every vector, by position.
    pub fn scores(&self, vector: &[f32]) -> Vec<f32> {
        let count = self.columns.first().map_or(0, Vec::len);
        let mut scores = vec![0.0_f32; count];
        let (weights, last_weights) = vector.as_chunks::<4>();
        let (columns, last_columns) = self.columns.as_chunks::<4>();
        // Four dimensions at a time, so that the sums stay in registers for longer.
        for (weights, [a, b, c, d]) in weights.iter().zip(columns) {
            let components = a.iter().zip(b).zip(c.iter().zip(d));
            for (score, ((a, b), (c, d))) in scores.iter_mut().zip(components) {
                *score = *score + weights[0] * a + weights[1] * b + weights[2] * c + weights[3] * d;
            }
        }
        for (weight, column) in last_weights.iter().zip(last_columns) {
            for (score, component) in scores.iter_mut().zip(column) {
                *score += weight * component;
            }
        }
        scores
    }
}

/// Scalar product, added up in the order in which [`Vectors::scores`] does: both give the same bits.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}
