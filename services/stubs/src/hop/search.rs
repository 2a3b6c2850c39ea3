//! The documents that a service of a graph holds, and how it finds them.

use ragdoll_model::Hit;
use ragdoll_model::retrieval::vector_from_bytes;
use ragdoll_model::stages::{Search, SearchBy};

use super::content::Carried;
use crate::corpus::Corpus;
use crate::index::{Vectors, best, dot};
use crate::keywords::Keywords;

/// A part of the corpus that can be searched.
pub(super) struct Searcher {
    spec: Search,
    entries: Vec<Hit>,
    index: Index,
}

enum Index {
    Vectors(Vectors),
    Keywords(Keywords),
}

impl Searcher {
    /// The part of `corpus` that `spec` names.
    pub(super) fn new(corpus: &Corpus, spec: Search) -> Searcher {
        let numbers = (0..corpus.len()).filter(|number| number % spec.parts == spec.part);
        let numbers: Vec<u32> = numbers.collect();
        let entry = |&number: &u32| {
            let document = corpus.document(number).expect("a number of the corpus");
            Hit {
                document: number,
                score: 0.0,
                tokens: document.tokens,
                size_bytes: document.size_bytes,
            }
        };
        let index = match spec.by {
            SearchBy::Vectors => {
                let mut vectors = Vectors::new(corpus.dimensions());
                for &number in &numbers {
                    vectors.push(corpus.vector(number).expect("a number of the corpus"));
                }
                Index::Vectors(vectors)
            }
            SearchBy::Keywords => {
                let texts = numbers.iter().map(|&number| corpus.words(number));
                Index::Keywords(Keywords::new(texts))
            }
        };
        Searcher {
            spec,
            entries: numbers.iter().map(entry).collect(),
            index,
        }
    }

    /// Finds documents for the question. By vectors it finds none for a question that has no vector.
    pub(super) fn search(&self, carried: &mut Carried) {
        let limit = self.spec.limit as usize;
        let found = match &self.index {
            Index::Vectors(_) if carried.vector().is_empty() => Vec::new(),
            Index::Vectors(vectors) => {
                best(&vectors.scores(&vector_from_bytes(carried.vector())), limit)
            }
            Index::Keywords(keywords) => {
                let mut found = best(&keywords.scores(carried.query()), limit);
                found.retain(|(_, score)| *score > 0.0);
                found
            }
        };
        let by = match self.spec.by {
            SearchBy::Vectors => 1,
            SearchBy::Keywords => 2,
        };
        let hits = found.into_iter().map(|(position, score)| Hit {
            score,
            ..self.entries[position as usize]
        });
        carried.add_found(by, hits);
    }
}

/// Compares the documents found with the question anew, by their vectors, and keeps the best `limit`.
pub(super) fn rerank(corpus: &Corpus, limit: u32, carried: &mut Carried) {
    let question = match carried.vector() {
        [] => corpus.embed(carried.query()),
        vector => vector_from_bytes(vector),
    };
    let mut hits = carried.hits();
    for hit in &mut hits {
        if let Some(vector) = corpus.vector(hit.document) {
            hit.score = dot(&question, vector);
        }
    }
    hits.sort_by(Hit::best_first);
    hits.truncate(limit as usize);
    carried.replace_hits(hits);
}
