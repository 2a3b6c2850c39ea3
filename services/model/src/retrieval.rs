//! Vectors and hits between their form in memory and their form on the wire.

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::proto::Hits;

/// A document that a search found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// Document number.
    pub document: u32,
    /// Similarity to the query, higher is better.
    pub score: f32,
    /// Tokens of its text.
    pub tokens: u32,
    /// Bytes of its text.
    pub size_bytes: u64,
}

impl Hit {
    /// Best first: the higher score, and of equal ones the lower number.
    pub fn best_first(a: &Hit, b: &Hit) -> std::cmp::Ordering {
        b.score
            .total_cmp(&a.score)
            .then(a.document.cmp(&b.document))
    }
}

impl FromIterator<Hit> for Hits {
    fn from_iter<I: IntoIterator<Item = Hit>>(hits: I) -> Hits {
        let hits = hits.into_iter();
        let count = hits.size_hint().0;
        let mut columns = Hits {
            documents: Vec::with_capacity(count),
            scores: Vec::with_capacity(count),
            tokens: Vec::with_capacity(count),
            size_bytes: Vec::with_capacity(count),
        };
        for hit in hits {
            columns.documents.push(hit.document);
            columns.scores.push(hit.score);
            columns.tokens.push(hit.tokens);
            columns.size_bytes.push(hit.size_bytes);
        }
        columns
    }
}

impl Hits {
    /// The documents found, in order. Where the columns differ in length, the shortest counts.
    pub fn iter(&self) -> impl Iterator<Item = Hit> {
        let scored = self.documents.iter().zip(&self.scores);
        let sized = self.tokens.iter().zip(&self.size_bytes);
        scored
            .zip(sized)
            .map(|((&document, &score), (&tokens, &size_bytes))| Hit {
                document,
                score,
                tokens,
                size_bytes,
            })
    }
}

/// The wire's form of a vector.
pub fn vector_to_bytes(vector: &[f32]) -> Bytes {
    let mut bytes = BytesMut::with_capacity(vector.len() * 4);
    for component in vector {
        bytes.put_f32_le(*component);
    }
    bytes.freeze()
}

/// The vector that the wire's form stands for; what is left of an incomplete component is dropped.
pub fn vector_from_bytes(bytes: &[u8]) -> Vec<f32> {
    let (components, _) = bytes.as_chunks::<4>();
    components
        .iter()
        .map(|component| f32::from_le_bytes(*component))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_and_hits_survive_the_wire() {
        let vector = vec![0.5, -1.25, f32::MIN_POSITIVE];
        assert_eq!(vector_from_bytes(&vector_to_bytes(&vector)), vector);
        let hits = [3, 1].map(|document| Hit {
            document,
            score: 0.5,
            tokens: 7,
            size_bytes: 28,
        });
        let columns: Hits = hits.into_iter().collect();
        assert_eq!(columns.iter().collect::<Vec<_>>(), hits);
    }
}
